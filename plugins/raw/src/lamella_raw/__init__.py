"""Lamella plugin: headerless raw binary files."""
