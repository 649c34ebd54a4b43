"""Paper B's transformer: its tasks, its training, its neurons."""
