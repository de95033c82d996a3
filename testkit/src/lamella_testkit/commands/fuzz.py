"""Search for files that make a reader crash, hang, take too much memory, raise a wrong error, or read other files.

Files that the sampler of a format writes, and sample files, are damaged at random, mostly at places that matter to the
format. Each is opened, shown, read and summed in a child process. Seed and number determine an input, so that a search
can be continued, and what it found can be tried again. Exit code 0 if nothing was found, 1 otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella_testkit.fuzz import Fault, FormatTally, Subject

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the names of formats and the options."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="formats to test [default: all with a sampler]")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to search [default: 60]")
    parser.add_argument("--inputs", type=int, metavar="N", help="how many inputs of each format at most")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers [default: 0]")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="number of the first input [default: 0]")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time [default: 1]")
    parser.add_argument(
        "--limit", type=float, default=10.0, metavar="SECONDS", help="longest time for one input [default: 10]"
    )
    parser.add_argument(
        "--as-trusted", action="store_true", help="open files without the parameters for files of unknown origin"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write everything that was found out as JSON")
    parser.add_argument(
        "--save", type=Path, metavar="FOLDER", help="write one file for each fault, which says how to make the input"
    )
    parser.add_argument("--again", type=Path, nargs="+", metavar="FILE", help="only try the inputs of such files again")


def run(args: argparse.Namespace, console: Console) -> int:
    """Search, and say what was found."""
    from lamella_testkit.fuzz import Limits, search

    limits = Limits(seconds=args.limit, cpu_seconds=args.limit, careful=not args.as_trusted)
    if args.again:
        return _again(args.again, limits, console)
    tallies: dict[str, FormatTally] = {}
    writing = Lock()

    def told(tally: FormatTally, fault: Fault | None) -> None:
        with writing:
            tallies[tally.format] = tally
            if fault is not None:
                _tell(fault, console)
            if fault is not None and args.save is not None:
                save(fault, args.save)
            if args.report is not None:
                args.report.write_text(json.dumps(_facts(args, tallies), indent=1), encoding="utf-8")

    interrupted = False
    try:
        search(
            subjects(args.names),
            seed=args.seed,
            start=args.start,
            seconds=args.seconds,
            inputs=args.inputs,
            jobs=max(1, args.jobs),
            limits=limits,
            progress=told,
        )
    except KeyboardInterrupt:
        interrupted = True
    facts = _facts(args, tallies)
    console.emit(facts)
    rows: Any = facts["formats"]
    if rows:
        names = [name for name in rows[0] if name not in ("seconds", "kinds of faults")]
        console.table(names, [[row[name] for name in names] for row in rows])
    if interrupted:
        raise KeyboardInterrupt
    return 1 if facts["faults"] else 0


def _facts(args: argparse.Namespace, tallies: Mapping[str, FormatTally]) -> dict[str, object]:
    """Give what is known so far, as plain values."""
    some = [tallies[name] for name in sorted(tallies)]
    faults = [fault.to_json() for tally in some for fault in list(tally.faults.values())]
    return {
        "seed": args.seed,
        "start": args.start,
        "formats": [tally.to_json() for tally in some],
        "faults": faults,
    }


def subjects(names: Sequence[str] = ()) -> list[Subject]:
    """Give formats by name, or all that have files and a sampler."""
    from lamella.errors import PluginError
    from lamella.plugins.entrypoints import named_entry_points
    from lamella_testkit.fuzz import Subject
    from lamella_testkit.samplers import GROUP, sampler_named

    registry, chosen = default_registry(), []
    for name in names or sorted(named_entry_points(GROUP)):
        plugin = registry.get(name)
        if plugin.spec is None:
            raise PluginError(f"format {name!r} declares nothing")
        if plugin.spec.target == "path":
            chosen.append(Subject(plugin.spec, sampler_named(plugin.name)))
        elif names:
            raise PluginError(f"format {name!r} is one of objects in memory, and has no files to damage")
    return chosen


def _tell(fault: Fault, console: Console) -> None:
    outcome = fault.outcome
    console.complain(f"{fault.format} {fault.number}: {outcome.kind} in {outcome.stage or 'the process'}")
    for line in f"{outcome.text}\n{_recipe_text(fault)}".splitlines():
        console.complain(f"    {line[:300]}")


def _recipe_text(fault: Fault) -> str:
    from lamella_testkit.fuzz import Recipe

    return str(Recipe.from_json(fault.recipe)) if fault.recipe else ""


def save(fault: Fault, folder: Path) -> None:
    """Write how a fault is made."""
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(json.dumps(fault.recipe, sort_keys=True).encode()).hexdigest()[:8]
    path = folder / f"{fault.format}-{fault.outcome.kind}-{key}.json"
    path.write_text(json.dumps(fault.to_json(), indent=1) + "\n", encoding="utf-8")


def _again(paths: list[Path], limits: object, console: Console) -> int:
    """Try recipes again, one after the other."""
    from lamella_testkit.fuzz import Limits, Recipe, Trial

    assert isinstance(limits, Limits)
    faults = 0
    for path in paths:
        facts = json.loads(path.read_text(encoding="utf-8"))
        recipe = Recipe.from_json(facts["recipe"])
        with Trial(subjects([recipe.format])[0], limits) as trial:
            (outcome,) = trial.recipes([recipe])
        faults += outcome.is_fault
        console.say(f"{path.name}: {outcome.kind} {outcome.stage} {outcome.text}".rstrip())
    return 1 if faults else 0
