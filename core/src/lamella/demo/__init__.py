"""A synthetic 4D-STEM scan that looks like one: a polycrystalline gold film with a hole, counted with shot noise."""

from __future__ import annotations

from lamella.demo.scan import DemoScan, write_scan

__all__ = ["DemoScan", "write_scan"]
