"""What runs in the child process: read a job, make the check, send what happens."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    faulthandler.enable()
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the code under test prints must not get between messages
    jobs = sys.stdin.buffer

    from lamella_testkit.isolation import receive, send

    sys.path[:] = receive(jobs)
    from lamella_testkit.checking import named
    from lamella_testkit.profiles import profile_named
    from lamella_testkit.runner import carry_out

    with tempfile.TemporaryDirectory(prefix="lamella-testkit-") as folder:
        kits = _Kits(Path(folder), lambda text, seconds: send(channel, ("case", (text, seconds))))
        while True:
            try:
                job = receive(jobs)
            except EOFError:
                return
            kit = kits.get(job["spec"], job["sampler"], profile_named(job["profile"]))
            with contextlib.redirect_stdout(sys.stderr):
                result = carry_out(named(job["check"]), kit)
            send(channel, ("result", result))


class _Kits:
    """The kit of the plugin that is being checked; made anew when another one comes."""

    def __init__(self, folder: Path, notify: Any) -> None:
        self._folder = folder
        self._notify = notify
        self._key: object = None
        self._kit: Any = None

    def get(self, spec: Any, sampler: Any, profile: Any) -> Any:
        """Give the kit for a plugin."""
        from lamella_testkit.kit import Kit

        key = (spec, sampler, profile)
        if key != self._key:
            self._kit = Kit(
                spec, sampler.resolve()(), profile=profile, workdir=self._folder / "work", notify=self._notify
            )
            self._key = key
        return self._kit
