"""Bridges to other packages: Dask, xarray, HyperSpy; each imports its package when it is used.

Internal: names and places may change in any version.
"""
