"""The transformer between clock and pizza."""
