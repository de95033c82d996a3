"""Where a command computes, as options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lamella.cli.parser import UsageError
from lamella.errors import ParameterError, PluginError

if TYPE_CHECKING:
    from lamella.api import Context

__all__ = ["add_workers", "make_context"]


def add_workers(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the executor and the number of its workers."""
    parser.add_argument(
        "--executor",
        default="threads",
        metavar="NAME",
        help="where to compute: inline, threads, processes, or what a plugin adds [default: threads]",
    )
    parser.add_argument("--workers", type=_count, metavar="N", help="number of workers [default: one per processor]")


def make_context(args: argparse.Namespace) -> Context:
    """Give the context that was asked for.

    Raises
    ------
    UsageError
        If there is no such executor, or it does not take that number of workers.
    """
    from lamella.api import Context

    try:
        return Context.make_with(args.executor, cpus=args.workers)
    except ParameterError as error:
        if args.workers is None:
            raise
        texts = [problem.text.replace("leave out cpus", "leave out --workers") for problem in error.problems]
        raise UsageError(*(f"--workers {args.workers}: {text}" for text in texts)) from None
    except PluginError as error:
        if _is_installed(args.executor):
            raise
        text = str(error).replace("make_with('processes')", "--executor processes")
        raise UsageError(f"--executor {args.executor}: {text}") from None


def _is_installed(executor: str) -> bool:
    """Whether there is a plugin of that name, be it well or not."""
    from lamella.plugins.kinds import EXECUTORS
    from lamella.plugins.registry import default_registry

    return any(plugin.name == executor.lower() for plugin in default_registry().plugins(EXECUTORS))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError(f"expected a number of workers, at least 1, found {text!r}")
    return int(text)
