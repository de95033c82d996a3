"""A reader for HyperSpy: ``hyperspy.api.load(path, file_format=lamella.rsciio, lazy=True)``."""

from lamella.interop.rsciiodata import file_reader as file_reader

__all__ = ["file_reader"]
