"""Plugins: found, examined, and imported when they are wanted.

Internal: names and places may change in any version.
"""
