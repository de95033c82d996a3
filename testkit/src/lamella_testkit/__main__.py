"""``python -m lamella_testkit conformance raw`` is ``lamella conformance raw``."""

from __future__ import annotations

import sys

from lamella.cli.app import main as lamella_main
from lamella_testkit.hooks import COMMANDS

__all__ = ["main"]


def main() -> int:
    """Run one of the commands of the kit."""
    names = [name for name, _, _ in COMMANDS]
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        sys.stderr.write(f"usage: python -m lamella_testkit {{{','.join(names)}}} ...\n")
        return 2
    return lamella_main()


if __name__ == "__main__":
    sys.exit(main())
