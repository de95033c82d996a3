"""Computations on clusters."""
