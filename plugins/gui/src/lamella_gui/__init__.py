"""Lamella in the browser: `lamella gui`."""
