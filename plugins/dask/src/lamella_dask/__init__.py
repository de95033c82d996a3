"""Lamella plugin: Dask arrays."""
