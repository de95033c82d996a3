"""Modules under the names that existing scripts import."""
