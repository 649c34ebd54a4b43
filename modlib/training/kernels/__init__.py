"""Compiled steps: products, attention, updates."""
