"""Compiled kernels, and the NumPy code that does the same until they are ready; see `lamella.kernels.library`."""

from lamella.kernels.library import Kernel, nothing_compiled, wait_until_compiled

__all__ = ["Kernel", "nothing_compiled", "wait_until_compiled"]
