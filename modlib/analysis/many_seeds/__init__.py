"""Many networks: what they have in common, and what is chance."""
