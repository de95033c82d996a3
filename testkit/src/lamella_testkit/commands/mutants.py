"""Change the reader of an installed format in small ways, and say which changes the conformance kit does not notice.

A change that survives names what no file of the sampler shows: another variant or statement of the sampler is missing,
or the line is not needed. What cannot be noticed stands in a table with the reason, and does not count. Exit code 0 if
at least 95 % of the others were noticed, 1 otherwise, or if one was noticed that the table says cannot be.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.system.processors import available_cpus
from lamella_testkit.profiles import PROFILES

if TYPE_CHECKING:
    from lamella.cli.console import Console

__all__ = ["configure", "run"]

WANTED = 0.95
"""The share of changes that a good sampler makes the kit notice."""

_TOLD = 10
"""After how many changes it says how far it is."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the name of the format and the options."""
    parser.add_argument("name", metavar="NAME", help="the format whose reader is changed")
    parser.add_argument("--sample", type=int, default=40, metavar="N", help="how many changes to try [default: 40]")
    parser.add_argument("--all", action="store_true", help="try every change")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which changes are chosen [default: 0]")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="choose among changes whose description has this text"
    )
    parser.add_argument(
        "--profile", choices=sorted(PROFILES), default="dev", help="how many cases to try [default: dev]"
    )
    parser.add_argument(
        "--cpu-seconds", type=float, default=180.0, metavar="T", help="processor time of each change [default: 180]"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes at a time [default: one per processor]")
    parser.add_argument(
        "--equivalents", type=Path, metavar="FILE", help="a TOML table of changes that make no difference, and why"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what was found out as JSON")


def run(args: argparse.Namespace, console: Console) -> int:
    """Try the changes."""
    from lamella_testkit.mutants.equivalents import read_table, reason
    from lamella_testkit.mutants.trial import Outcome, Verdict, judged, mutants_of, sampled

    known = [] if args.equivalents is None else read_table(args.equivalents, args.name)
    exact = [row for row in known if not row.part]  # what makes texts may also fail, which is noticed
    made = [one for one in mutants_of(args.name) if args.only in str(one)]
    chosen = made if args.all else sampled(made, args.sample, args.seed)
    console.say(f"{args.name}: {len(chosen)} of {len(made)} changes, seed {args.seed}")
    verdicts, left = list[Verdict](), list[Verdict]()
    equivalent, stale = list[dict[str, str]](), list[str]()
    workers = args.workers or available_cpus()
    for verdict in judged(args.name, chosen, profile=args.profile, seconds=args.cpu_seconds, workers=workers):
        verdicts.append(verdict)
        why = reason(verdict.mutant, known)
        if verdict.outcome is Outcome.killed:
            if reason(verdict.mutant, exact) is not None:
                stale.append(f"{verdict.mutant} was noticed by {verdict.killer}, and cannot be: {why}")
        elif why is not None:
            equivalent.append({"change": str(verdict.mutant), "why": why})
        else:
            left.append(verdict)
            console.say(f"{verdict.outcome}: {verdict.mutant}")
        if len(verdicts) % _TOLD == 0:
            console.say(f"{len(verdicts)} of {len(chosen)} were tried")
    killed = Counter(one.killer for one in verdicts if one.outcome is Outcome.killed)
    share = killed.total() / max(1, killed.total() + len(left))
    console.say(f"{killed.total()} of {killed.total() + len(left)} were noticed, {share:.1%}")
    if known:
        console.say(f"{len(equivalent)} others make no difference")
    for killer, count in killed.most_common():
        console.say(f"{count:5}  {killer}")
    for line in stale:
        console.say(line)
    facts = {
        "format": args.name,
        "seed": args.seed,
        "profile": args.profile,
        "changes": len(made),
        "tried": len(verdicts),
        "killed": killed.total(),
        "by": {str(killer): count for killer, count in killed.most_common()},
        "equivalent": equivalent,
        "stale": stale,
        "survivors": [
            {
                "module": one.mutant.module,
                "line": one.mutant.line,
                "code": one.mutant.code,
                "change": one.mutant.text,
                "outcome": str(one.outcome),
            }
            for one in left
        ],
    }
    console.emit(facts)
    if args.report is not None:
        import json

        args.report.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if share >= WANTED and not stale else 1
