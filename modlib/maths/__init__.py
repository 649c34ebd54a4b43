"""Z_n, and what is uncertain."""
