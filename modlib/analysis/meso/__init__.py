"""Neurons that share a frequency."""
