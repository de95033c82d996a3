"""The data sets that are open, and what is kept of them."""

from __future__ import annotations

import re
import secrets
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lamella
from lamella import Context, DataSet
from lamella.analysis import Beam
from lamella.errors import FormatError, LamellaError
from lamella_gui.computing import Executor
from lamella_gui.hearing import heard
from lamella_gui.openlimit import OpenLimit
from lamella_gui.openscan import Closed, OpenScan, beam_of
from lamella_gui.places import Places
from lamella_gui.store import Store
from lamella_viewer.live import Scan

__all__ = ["Closed", "OpenScan", "Workspace"]

MOST_SCANS = 16
_FIRST_SECONDS = 2.0
DEMO = (128, 128)
"""Scan positions of the demo."""


class Workspace:
    """Opens and closes data sets.

    Parameters
    ----------
    places
        Where files may lie.
    store
        What is kept over a restart.
    context
        Where exact results are computed; threads by default.
    limit
        How long a file may take to open.
    """

    def __init__(
        self, places: Places, store: Store, context: Context | None = None, limit: OpenLimit | None = None
    ) -> None:
        self.places = places
        self.store = store
        self.limit = limit or OpenLimit()
        self.first_limit = OpenLimit(_FIRST_SECONDS)
        """How long the first page waits for the disks of recent files."""
        self.context = context or Context()
        self.executor = Executor()
        self.scans: dict[str, OpenScan] = {}
        self._lock = threading.Lock()
        self._demo: tempfile.TemporaryDirectory[str] | None = None
        for kept in store.scans[:MOST_SCANS]:
            self._restore(kept)

    def _restore(self, kept: Mapping[str, Any]) -> None:
        values = {str(name): str(value) for name, value in kept["values"].items()}
        name = str(kept.get("id"))
        free = re.fullmatch("[0-9a-f]{12}", name) and name not in self.scans
        one = OpenScan(name if free else secrets.token_hex(6), kept["target"], kept["format"], values)
        one.kept = [panel for panel in kept.get("panels", []) if isinstance(panel, dict)]
        regions, look = kept.get("regions"), kept.get("look")
        one.regions = regions if isinstance(regions, dict) else {}
        one.look = look if isinstance(look, dict) else {}
        self.scans[one.id] = one

    def get(self, id: str) -> OpenScan:
        """Give a data set, opened if it is one of the former session.

        Raises
        ------
        Closed
            If there is none of this id.
        """
        one = self.scans.get(id)
        if one is None:
            raise Closed("this data set is not open any more")
        if one.scan is None and one.problem is None:
            with one.lock:
                if one.scan is None and one.problem is None:
                    self._try_open(one)
        return one

    def _try_open(self, one: OpenScan) -> None:
        try:
            self._open(one)
        except Exception as error:
            one.problem = self.told(error)

    def open_demo(self) -> OpenScan:
        """Write a synthetic scan to a temporary folder, and open it."""
        from lamella.demo import DemoScan, write_scan

        with self._lock:
            if self._demo is None:
                self._demo = tempfile.TemporaryDirectory(prefix="lamella-demo-", ignore_cleanup_errors=True)
                folder = Path(self._demo.name) / "demo"
                folder.mkdir()
                self.places.add(folder)
                write_scan(folder / "demo.blo", DemoScan(DEMO))
        return self.open(Path(self._demo.name).resolve() / "demo" / "demo.blo", "auto", {}, lasts=False)

    def bookmarks(self) -> list[Path]:
        """Give the folders that were marked and still exist."""
        return [path for one in self.store.bookmarks if (path := self.places.find(one)) is not None and path.is_dir()]

    def mark(self, folder: Path, *, kept: bool) -> None:
        """Keep a folder among the bookmarks, or forget it."""
        self.store.mark(str(folder), kept=kept)
        self.save()

    def open(self, path: Path | str, format: str, values: Mapping[str, str], *, lasts: bool = True) -> OpenScan:
        """Open a file, or the files of a pattern; what lasts is opened again by a later start.

        Raises
        ------
        LamellaError
            If it cannot be opened.
        """
        if len(self.scans) >= MOST_SCANS:
            raise Closed(f"at most {MOST_SCANS} data sets are open at a time; close one first")
        one = OpenScan(secrets.token_hex(6), str(path), format, dict(values), lasts=lasts)
        self._open(one)
        with self._lock:
            self.scans[one.id] = one
        if lasts:
            self.store.opened(one.target, one.format, one.values)
            self.save()
        return one

    def _open(self, one: OpenScan) -> None:
        def read() -> tuple[DataSet, list[str], Beam | None]:
            target = self.places.target(one.target)
            if target is None:
                raise FormatError("this file is absent, or lies outside of the folders that may be looked into")
            dataset, warned = self._opened(target, one.format, one.values)
            return dataset, warned, beam_of(dataset)

        dataset, one.warnings, one.beam = self.limit.run(self.places.named(one.target), read)
        one.format = dataset.format
        one.fill(Scan(dataset, self.context, told=self.told))

    def _opened(self, target: Path | list[Path], format: str, values: Mapping[str, str]) -> tuple[DataSet, list[str]]:
        """Open a file; gives what would have been warned of as sentences."""
        with heard() as texts:
            dataset = lamella.open(target, format, **values)
        return dataset, list(map(self.places.hidden, texts))

    def reopen(self, id: str) -> OpenScan:
        """Close a data set and open its file again, as it is now; analyses and regions stay."""
        one = self.scans.get(id)
        if one is None:
            raise Closed("this data set is not open any more")
        with one.lock:
            before, one.scan = one.scan, None
            if before is not None:
                one.kept = [panel.to_json() for panel in one.panels]
                before.close()
            self._try_open(one)
        return one

    def compute_with(self, name: str, workers: int | None = None) -> None:
        """Compute exact results with another executor from now on; what runs is stopped.

        Raises
        ------
        LamellaError
            If there is no such executor, or it does not take so many workers.
        """
        chosen = Executor(name, workers)
        context = chosen.make_context()
        with self._lock:
            before, self.context, self.executor = self.context, context, chosen
            for one in self.scans.values():
                if one.scan is not None:
                    one.scan.context = context
        before.close()

    def refresh(self, one: OpenScan) -> None:
        """Look for frames that a recording has appended; analyses and regions stay.

        Raises
        ------
        LamellaError
            If the format cannot say so, or the file is another one now.
        """
        with one.lock:
            before = one.dataset

            def look() -> tuple[DataSet, list[str]]:
                files, recipe = self.places.target(one.target), before.recipe.target
                if isinstance(files, list) and len(files) != len(recipe):
                    return self._opened(files, one.format, one.values)
                return before.refresh(), one.warnings

            now, one.warnings = self.limit.run(self.places.named(one.target), look)
            if now is before or one.scan is None:
                return
            if tuple(now.shape) == tuple(before.shape) and now.dtype == before.dtype:
                one.scan.grow(now)
                return
            one.kept = [panel.to_json() for panel in one.panels]
            smaller = one.scan
            one.fill(Scan(now, self.context, told=self.told))
            smaller.close()

    def close(self, id: str) -> None:
        """Close a data set."""
        with self._lock:
            one = self.scans.pop(id, None)
        if one is not None and one.scan is not None:
            one.scan.close()
        self.save()

    def save(self) -> None:
        """Keep the session."""
        self.store.write([one.to_json() for one in list(self.scans.values()) if one.lasts])

    def told(self, error: BaseException) -> str:
        """Give the sentence for an error, in which files have names relative to a folder."""
        if isinstance(error, MemoryError) and not str(error):
            return "there is not enough memory for this"
        if isinstance(error, OSError) and not isinstance(error, LamellaError):
            return self.places.hidden(error.strerror or type(error).__name__)
        text = str(error) or type(error).__name__
        return self.places.hidden(text if isinstance(error, LamellaError) else f"{type(error).__name__}: {text}")

    def end(self) -> None:
        """Close everything; the session is kept."""
        self.save()
        for one in self.scans.values():
            if one.scan is not None:
                one.scan.close()
        self.context.close()
        if self._demo is not None:
            self._demo.cleanup()
