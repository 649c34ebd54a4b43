"""A configuration and a seed in, a run out."""
