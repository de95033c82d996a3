"""Whether a command is given one scan, or several files or a folder to list."""

from __future__ import annotations

import argparse
import glob
from pathlib import Path

__all__ = ["add_recursive", "expand_patterns", "is_plain_folder", "is_several"]


def add_recursive(parser: argparse.ArgumentParser) -> None:
    """Add the option for folders."""
    parser.add_argument("--recursive", action="store_true", help="also list the scans in the folders below a folder")


def expand_patterns(args: argparse.Namespace) -> None:
    """Put the files that a pattern such as ``*.mib`` means in its place, as shells do, but not that of Windows."""
    files = []
    for file in args.files:
        is_pattern = any(sign in file for sign in "*?[") and not Path(file).exists()
        files += sorted(glob.glob(file)) or [file] if is_pattern else [file]  # noqa: PTH207 - names stay as they are
    args.files = files


def is_several(args: argparse.Namespace) -> bool:
    """Whether a command is to list scans: several files, or a folder that is no scan by itself."""
    expand_patterns(args)
    return len(args.files) > 1 or is_plain_folder(args.files[0], getattr(args, "format", None))


def is_plain_folder(file: str, format: str | None) -> bool:
    """Whether a path is a folder that no format opens as a scan."""
    if not Path(file).is_dir():
        return False
    from lamella.format import Capability
    from lamella.opening.detect import detect
    from lamella.plugins.registry import default_registry

    registry = default_registry()
    if format is not None and format.lower() != "auto":
        spec = registry.get(format).spec
        return spec is None or Capability.DIRECTORY not in spec.capabilities
    return not any(candidate.eligible for candidate in detect(file, registry, ask_hooks=False).candidates)
