"""The conformance test kit for Lamella format plugins.

A plugin author writes a `Sampler`; the kit proves the plugin through `FormatConformance` in a test suite, through
``lamella conformance NAME``, or through `run`.
"""

from lamella_testkit.checking import EDITION, LEVELS, Broken, check
from lamella_testkit.results import Result, Status, level_of
from lamella_testkit.runner import run
from lamella_testkit.sample import Recorded, SampleData
from lamella_testkit.sampler import Sampler

__all__ = [
    "EDITION",
    "LEVELS",
    "Broken",
    "Recorded",
    "Result",
    "SampleData",
    "Sampler",
    "Status",
    "check",
    "level_of",
    "run",
]
