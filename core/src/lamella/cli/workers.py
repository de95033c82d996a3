"""Where a command computes, as options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella.api import Context

__all__ = ["add_workers", "make_context"]


def add_workers(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the executor and the number of its workers."""
    parser.add_argument("--executor", default="threads", metavar="NAME", help="inline, threads, processes, ...")
    parser.add_argument("--workers", type=int, metavar="N", help="number of workers; one per processor by default")


def make_context(args: argparse.Namespace) -> Context:
    """Give the context that was asked for."""
    from lamella.api import Context

    return Context.make_with(args.executor, cpus=args.workers)
