"""Look at scans in the browser: a page opens, in which files are opened, detectors dragged and results saved.

The page is for this computer and this user only: its address holds a token that is valid once. To look at data of
another computer, run the command there and forward the port: ssh -L 8123:localhost:8123 HOST.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella.cli import Console

__all__ = ["NEEDS_DATA", "OPENS_DATA", "configure", "run"]

OPENS_DATA = True
NEEDS_DATA = False
_LONGEST = 86400


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where to listen, and what may be looked into."""
    parser.add_argument("--demo", action="store_true", help="make a synthetic scan and show it")
    parser.add_argument("--port", type=_port, default=None, metavar="N", help="port [default: 8123, or a free one]")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="listen on a Unix socket instead of a port")
    parser.add_argument(
        "--root",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder that may be looked into; may be given several times [default: home, and the folder of FILE]",
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on")
    parser.add_argument("--prefix", default="", metavar="PATH", help="path below which a proxy shows the pages")
    parser.add_argument(
        "--behind-proxy",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="a proxy that encrypts shows the pages as this host; needed for --host other than this computer",
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument("--no-session", action="store_true", help="neither restore nor keep what is open")
    parser.add_argument(
        "--open-limit",
        type=_seconds,
        default=None,
        metavar="SECONDS",
        help="how long a page waits for a file that does not answer [default: 60]",
    )
    parser.add_argument(
        "--show-url", action="store_true", help="print a new address for a server that runs already, and end"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Serve until Ctrl-C."""
    if args.show_url:
        from lamella_gui.showurl import show_url

        return show_url(args, console)
    from lamella_gui.serving import serve

    return serve(args, console)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"expected a port, a number from 0 to 65535: {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, from above 0 to {_LONGEST}: {text!r}")
    return seconds
