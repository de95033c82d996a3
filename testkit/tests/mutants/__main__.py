"""Say which share of the mutants of our plugins the kit kills: ``python -m mutants raw npy blo`` in `testkit/tests`.

Each mutant is tried at the profile ``dev``, and what survives again at ``ci``. Mutants that the table of equivalents
lists are tried as well: one that is killed does not belong there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import lamella.api  # noqa: F401 -- imported before the forks, for their sake
import lamella_testkit.checks  # noqa: F401
from lamella_testkit.mutants.changes import Mutant
from mutants.subjects import SUBJECTS, equivalents, reason
from mutants.trial import Verdict, judged, mutants_of


@dataclass
class Tally:
    """What became of the mutants of one plugin."""

    name: str
    made: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    equivalent: list[Mutant] = field(default_factory=list)
    survived: list[Mutant] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Killed of those that are not equivalent."""
        return self.killed.total() / max(1, self.made - len(self.equivalent))

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.made} mutants, {self.killed.total()} killed, {len(self.equivalent)} equivalent, "
            f"{len(self.survived)} survived: {self.share:.1%}"
        )


def tally(name: str, *, workers: int = 2, only: str = "", profiles: Sequence[str] = ("dev", "ci")) -> Tally:
    """Try the mutants of a plugin, printing what survives.

    Parameters
    ----------
    name
        The format.
    workers
        Processes at a time.
    only
        Try only the mutants whose description holds this text.
    profiles
        How hard to try, one after the other.
    """
    subject, known = SUBJECTS[name], equivalents(name)
    left = [one for one in mutants_of(subject) if only in str(one)]
    result = Tally(name, made=len(left))
    for profile in profiles:
        began = time.monotonic()
        verdicts: list[Verdict] = []
        for verdict in judged(subject, left, profile, workers):
            verdicts.append(verdict)
            listed = reason(verdict.mutant, known)
            if verdict.killer is None and listed is None:
                print(f"  survives {profile}: {verdict.mutant}", flush=True)
            if verdict.killer is not None and listed is not None:
                result.stale.append(f"{verdict.mutant} is killed by {verdict.killer}, and listed as equivalent")
        result.killed.update(one.killer for one in verdicts if one.killer is not None)
        left = [one.mutant for one in verdicts if one.killer is None and reason(one.mutant, known) is None]
        result.equivalent += [one.mutant for one in verdicts if one.killer is None and reason(one.mutant, known)]
        print(f"  {name} at {profile}: {time.monotonic() - began:.0f} s", flush=True)
    result.survived = left
    return result


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(SUBJECTS), choices=[*SUBJECTS, []], metavar="NAME")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--only", default="", help="only the mutants whose description holds this text")
    parser.add_argument("--profile", action="append", choices=["dev", "ci"], help="instead of dev and then ci")
    options = parser.parse_args()
    results = [
        tally(name, workers=options.workers, only=options.only, profiles=options.profile or ("dev", "ci"))
        for name in options.names
    ]
    for result in results:
        print(result)
        for killer, count in result.killed.most_common():
            print(f"  {count:4} by {killer}")
    for line in chain.from_iterable(result.stale for result in results):
        print("stale:", line)
    return 0 if all(one.share >= 0.95 and not one.stale for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
