"""Paper B's transformer."""
