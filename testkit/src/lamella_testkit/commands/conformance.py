"""Check an installed format plugin: run the checks, say what is wrong and which level the plugin reaches.

Needs no test file and no pytest. Exit code 0 if nothing failed, 1 otherwise.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.errors import PluginError
from lamella.plugins.registry import default_registry
from lamella_testkit.catalogue import all_checks
from lamella_testkit.profiles import PROFILES, profile_named
from lamella_testkit.results import Result, Status, failures

if TYPE_CHECKING:
    from lamella.cli.console import Console
    from lamella.plugins.plugin import Plugin

__all__ = ["configure", "run"]

_MARKS = {
    Status.passed: "ok",
    Status.failed: "FAILED",
    Status.excused: "excused",
    Status.skipped: "skipped",
    Status.not_applicable: "-",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the name of the format and the options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the format to check")
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="check with this file, for a format that has no sampler yet"
    )
    parser.add_argument("--level", type=int, default=4, choices=range(5), help="highest level to check [default: 4]")
    parser.add_argument(
        "--check", action="append", default=[], metavar="NAME", help="run this check only; may be repeated"
    )
    parser.add_argument(
        "--profile", choices=sorted(PROFILES), help="how many cases to try; nightly tries most [default: dev]"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write everything that was found out as JSON")
    parser.add_argument("--badge", type=Path, metavar="FILE", help="write the level as an SVG picture")
    parser.add_argument("--list", action="store_true", help="list the checks and their rules")
    parser.add_argument("--in-process", action="store_true", help="run in this process, for a debugger")
    parser.add_argument("--verbose", "-v", action="store_true", help="show every check, not only what went wrong")


def run(args: argparse.Namespace, console: Console) -> int:
    """Make the checks."""
    from lamella_testkit.report import Report, summary
    from lamella_testkit.runner import iterate
    from lamella_testkit.samplers import sampler_named

    if args.list:
        console.emit([{"name": one.name, "level": one.level, "rule": one.rule} for one in all_checks()])
        console.table(("level", "check", "rule"), [(one.level, one.name, one.rule) for one in all_checks()])
        return 0
    if args.name is None:
        from lamella.cli.parser import UsageError

        raise UsageError("which format? For instance: lamella conformance raw", see="lamella conformance --help")
    plugin = default_registry().get(args.name)
    if plugin.spec is None:
        raise PluginError(f"format {args.name!r} declares nothing")
    if args.file is not None:
        return _with_file(args, plugin, console)
    sampler = sampler_named(plugin.name)
    results: list[Result] = []
    for result in iterate(
        plugin.spec,
        sampler,
        level=args.level,
        checks=_known(args.check),
        profile=args.profile,
        isolate=not args.in_process,
    ):
        results.append(result)
        _tell(result, console, verbose=args.verbose)
    report = Report.of(plugin, results, profile=profile_named(args.profile).name)
    console.emit(report.facts)
    for line in ("", *summary(results)):
        console.say(line)
    if args.report is not None:
        report.save(args.report)
    if args.badge is not None:
        args.badge.write_text(report.badge(), encoding="utf-8")
    return 1 if failures(results) else 0


def _with_file(args: argparse.Namespace, plugin: Plugin, console: Console) -> int:
    """Make the checks that need no more than a file; they give no level."""
    from lamella.errors import LamellaError
    from lamella.opening.open import open_dataset
    from lamella_testkit.realfile import LARGEST, FileSampler, checks_for_file
    from lamella_testkit.report import begin_with
    from lamella_testkit.runner import iterate

    assert plugin.spec is not None
    path = args.file.resolve()
    ds = open_dataset(plugin.name, path, {}, registry=default_registry())
    sampler = FileSampler(ds, path) if ds.nbytes <= LARGEST and not ds.missing_count else None
    if sampler is None or sampler.nbytes > LARGEST:
        raise LamellaError(
            f"{path.name} cannot be used: the checks copy a file many times and compare every pixel. Give a file of "
            f"at most {LARGEST >> 20} MiB in which every scan position has a frame"
        )
    possible = checks_for_file(args.level)
    names = [name for name in _known(args.check) or possible if name in possible]
    results = []
    for result in iterate(plugin.spec, sampler, checks=names, profile=args.profile, isolate=False):
        results.append(result)
        _tell(result, console, verbose=args.verbose)
    failed = failures(results)
    console.emit({"format": plugin.name, "checks": [result.to_json() for result in results]})
    console.say("", f"{len(results)} checks need no more than a file, {len(failed)} failed", *begin_with(results))
    console.say("A level needs a sampler, which writes files and knows what is in them")
    return 1 if failed else 0


def _known(names: list[str]) -> list[str]:
    from lamella.cli.parser import UsageError
    from lamella_testkit.catalogue import named

    try:
        return [named(name).name for name in names]
    except KeyError as error:
        raise UsageError(str(error.args[0]), see="lamella conformance --list") from None


def _tell(result: Result, console: Console, *, verbose: bool) -> None:
    serious = result.status in (Status.failed, Status.excused, Status.skipped)
    if serious or verbose:
        advice = " (advisory)" if result.advisory else ""
        console.say(f"{_MARKS[result.status]:<8}{result.level}  {result.check}{advice}  {result.seconds:.2f} s")
    if serious and result.follows and not verbose:
        console.say(f"        follows  {result.follows}")
    elif serious:
        for line in str(result).splitlines()[1:]:
            console.say(f"        {line}")
