"""Lamella plugin: arrays in memory."""
