"""Lamella plugin: NanoMEGAS ASTAR block files."""
