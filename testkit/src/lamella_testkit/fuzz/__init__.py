"""Search for inputs that make a reader do what it must not: structured and blind damage of its files.

``lamella fuzz NAME ...`` is the command. `search` is the same for programs.
"""

from __future__ import annotations

from lamella_testkit.fuzz.exercise import Limits
from lamella_testkit.fuzz.outcome import Fault, Outcome
from lamella_testkit.fuzz.recipe import Base, Recipe, Step
from lamella_testkit.fuzz.search import FormatTally, Subject, Trial, reduced, search

__all__ = [
    "Base",
    "Fault",
    "FormatTally",
    "Limits",
    "Outcome",
    "Recipe",
    "Step",
    "Subject",
    "Trial",
    "reduced",
    "search",
]
