"""What runs in the child process: read a job, make the check, send what happens."""

from __future__ import annotations

import contextlib
import faulthandler
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

from lamella.system.spawn import parent_pipes
from lamella_testkit.carryout import carry_out
from lamella_testkit.catalogue import named
from lamella_testkit.kit import Kit
from lamella_testkit.limits import one_arena
from lamella_testkit.profiles import profile_named

__all__ = ["main"]


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    faulthandler.enable()
    one_arena()
    parent = parent_pipes()

    def send(kind: str, value: object) -> None:
        parent.send(pickle.dumps((kind, value)))

    with tempfile.TemporaryDirectory(prefix="lamella-testkit-", ignore_cleanup_errors=True) as folder:
        kits = _Kits(Path(folder), lambda text, seconds: send("case", (text, seconds)))
        while True:
            try:
                job = pickle.loads(parent.receive())
            except EOFError:
                return
            kit = kits.get(job["spec"], job["sampler"], profile_named(job["profile"]))
            with contextlib.redirect_stdout(sys.stderr):
                result = carry_out(named(job["check"]), kit)
            send("result", result)


class _Kits:
    """The kit of the plugin that is being checked; made anew when another one comes."""

    def __init__(self, folder: Path, notify: Any) -> None:
        self._folder = folder
        self._notify = notify
        self._key: object = None
        self._kit: Any = None

    def get(self, spec: Any, sampler: Any, profile: Any) -> Any:
        """Give the kit for a plugin."""
        key = (spec, sampler, profile)
        if key != self._key:
            self._kit = Kit(
                spec, sampler.resolve()(), profile=profile, workdir=self._folder / "work", notify=self._notify
            )
            self._key = key
        return self._kit
