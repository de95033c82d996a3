"""The version of LiberTEM whose names are answered."""

__all__ = ["__version__"]
__version__ = "0.16.0+lamella"
