"""Compiled loops, and the NumPy code that does the same until they are ready.

Internal: names and places may change in any version.
"""
