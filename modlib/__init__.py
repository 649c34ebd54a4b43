"""Models, training and Fourier tools for networks that learn modular arithmetic."""

__version__ = "0.1.0"
