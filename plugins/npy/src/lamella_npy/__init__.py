"""Lamella plugin: NumPy .npy files."""
