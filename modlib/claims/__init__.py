"""What the papers say, what we measured, and the verdict."""
