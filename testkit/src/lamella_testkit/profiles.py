"""How hard the kit tries: briefly at every change, quickly while developing, at length in CI, at random at night."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["PROFILES", "Profile", "profile_named"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How many examples a search makes, whether they are the same every time, and when a case takes too long.

    Parameters
    ----------
    name
        What users type.
    examples
        Examples per search.
    derandomize
        Whether every run makes the same examples.
    case_seconds
        A case that takes longer is a hang.
    shrink_seconds
        Time to look for a smaller example once a failure was found.
    """

    name: str
    examples: int
    derandomize: bool
    case_seconds: float
    shrink_seconds: float

    @property
    def quick(self) -> bool:
        """Whether a selection is enough where there are many combinations."""
        return self.examples < 200

    @property
    def brief(self) -> bool:
        """Whether a selection of a selection is enough."""
        return self.examples < 25

    @property
    def dtypes(self) -> int:
        """The number of dtypes that a quick profile tries in each variant but the first, which has all of them."""
        return 1 if self.brief else 3

    @property
    def least(self) -> int:
        """The number of changes to a file that a profile makes at least."""
        return min(20, self.some(80))

    def some(self, most: int) -> int:
        """Give a number of cases that grows with the profile: ``most`` at ``ci``, an eighth of it at ``dev``."""
        return max(1, most * self.examples // 200)


PROFILES = {
    "brief": Profile("brief", 8, True, 4.0, 3.0),
    "dev": Profile("dev", 25, True, 4.0, 3.0),
    "ci": Profile("ci", 200, True, 10.0, 10.0),
    "nightly": Profile("nightly", 2000, False, 10.0, 60.0),
}


def profile_named(name: str | None) -> Profile:
    """Give a profile; the one that ``LAMELLA_TESTKIT_PROFILE`` names, else ``dev``, if ``name`` is None.

    Raises
    ------
    KeyError
        If there is no such profile.
    """
    wanted = name or os.environ.get("LAMELLA_TESTKIT_PROFILE") or "dev"
    if wanted not in PROFILES:
        raise KeyError(f"no profile is called {wanted!r}; there are {', '.join(PROFILES)}")
    return PROFILES[wanted]
