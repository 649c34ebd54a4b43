"""Runs on disk: written whole or not at all, checked by their own checksums when read."""
