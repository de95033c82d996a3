"""What the page for opening a file shows: folders, what the formats say about a file, and the form of one format."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lamella
from lamella import default_registry, detect
from lamella.analysis import AnalysisResult
from lamella.errors import LamellaError
from lamella_gui.forms import Field, fields_of, text_of, values_of
from lamella_gui.workspace import Workspace

__all__ = ["FormatForm", "checked", "folder_facts", "formats_for", "previews", "report_of", "target_facts"]

_LISTS, _FOLDERS = "file-list", "directory"
"""What a format declares that takes several files, or folders."""
_PREVIEW = 96
"""Edge of the small pictures at most [px]."""


def folder_facts(workspace: Workspace, address: str, order: str, show: str) -> dict[str, Any]:
    """Give the folder of an address, its parents, and what is in it."""
    places = workspace.places
    path = _first(places.target(address)) if address else _start(workspace)
    folder = None if path is None else (path if path.is_dir() else path.parent)
    roots = [{"name": place.name, "address": place.name} for place in places]
    marked = [places.address(one) for one in workspace.bookmarks()]
    bookmarks = [{"name": one.rpartition("/")[2], "address": one} for one in marked]
    shared = {"places": roots, "bookmarks": bookmarks, "absent": bool(address) and folder is None}
    if folder is None:
        return {
            "here": "",
            "parents": [],
            "entries": [],
            "lists": [],
            "takes_folders": False,
            "marked": False,
            **shared,
        }
    here = places.address(folder)
    parts = here.split("/")
    parents = [{"name": part, "address": "/".join(parts[: i + 1])} for i, part in enumerate(parts)]
    entries = places.listing(folder, order, _extensions() if show == "known" else ())
    return {
        "here": here,
        "parents": parents,
        "entries": entries,
        "lists": _lists(here, [entry.name for entry in entries if not entry.is_folder]),
        "takes_folders": bool(_formats(_FOLDERS)),
        "marked": here in marked,
        **shared,
    }


def _formats(capability: str | None = None) -> list[Any]:
    """Give what the formats of files declare; of those that take a kind of target."""
    specs = [plugin.spec for plugin in default_registry().usable() if plugin.spec is not None]
    files = [spec for spec in specs if spec.target == "path"]
    return [spec for spec in files if capability is None or capability in spec.capabilities]


def _extensions(capability: str | None = None) -> tuple[str, ...]:
    return tuple(sorted({one for spec in _formats(capability) for one in spec.extensions}))


def _lists(here: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Give the patterns of several files of a folder that some format takes as one data set."""
    counted = {kind: sum(name.lower().endswith(f".{kind}") for name in names) for kind in _extensions(_LISTS)}
    return [
        {"address": f"{here}/*.{kind}", "kind": kind, "count": count} for kind, count in counted.items() if count > 1
    ]


def formats_for(target: Path | list[Path]) -> list[tuple[str, str]]:
    """Give names and titles of the formats that take a file, a folder or a list of files."""
    is_list = isinstance(target, list)
    wanted = _LISTS if is_list else _FOLDERS if _first(target).is_dir() else None
    return [(spec.name, spec.title) for spec in _formats(wanted)]


def target_facts(workspace: Workspace, target: Path | list[Path]) -> dict[str, Any]:
    """Give the number of files of a target, and the names of the first and the last one."""
    files = target if isinstance(target, list) else [target]
    return {"count": len(files), "first": files[0].name, "last": files[-1].name}


def _first(target: Any) -> Any:
    return target[0] if isinstance(target, list) else target


def _start(workspace: Workspace) -> Path | None:
    """Give the folder to begin in: that of the last file, else the first place."""
    recent = [entry["target"] for entry in workspace.store.recent[:1]]
    found = [path for target in recent if (path := _first(workspace.places.target(target))) is not None]
    return found[0] if found else next((place.path for place in workspace.places), None)


def report_of(workspace: Workspace, target: Path | list[Path]) -> dict[str, Any]:
    """Give the report of the detection, with names relative to a folder, or the sentence why there is none."""
    try:
        report = detect(target)
    except (LamellaError, OSError) as error:
        return {"problem": workspace.told(error), "candidates": [], "hints": [], "suggestions": [], "winner": None}
    facts = report.to_json()
    problem = None
    try:
        report.winner()
    except LamellaError as error:
        problem = workspace.told(error)
    shown: dict[str, Any] = _named(workspace, facts)
    return shown | {"problem": problem}


def _named(workspace: Workspace, value: Any) -> Any:
    """Give values in which texts name files by their addresses."""
    if isinstance(value, str):
        return workspace.places.hidden(value)
    if isinstance(value, Mapping):
        return {key: _named(workspace, item) for key, item in value.items()}
    return [_named(workspace, item) for item in value] if isinstance(value, list | tuple) else value


class FormatForm:
    """The form of one format for one file.

    Parameters
    ----------
    workspace
        Knows how to name files.
    target
        The file, or a list of files.
    format
        Name of the format.
    posted
        What was typed, as it was sent.

    Raises
    ------
    LamellaError
        If there is no such format, or its plugin cannot be used.
    """

    def __init__(self, workspace: Workspace, target: Path | list[Path], format: str, posted: Mapping[str, str]) -> None:
        self.plugin = default_registry().get(format)
        self.format = self.plugin.name
        self.title = self.plugin.spec.title if self.plugin.spec else self.format
        declarations = self.plugin.parameters()
        self.given = values_of(posted, declarations)
        self._workspace = workspace
        self.values = resolved(workspace, declarations, self.given)
        """What was typed, with paths of files instead of their addresses."""
        self.report = lamella.check(self.format, target, self.values)
        said = {name: origin for name, origin in self.report.origins.items() if origin != "default"}
        own = {field.name for field in dataclasses.fields(self.plugin.params_class())}
        fields = fields_of(declarations, self.given, self.report.values, said)
        self.own: list[Field] = [field for field in fields if field.name in own]
        self.common: list[Field] = [field for field in fields if field.name not in own]

    def messages(self) -> dict[str, Any]:
        """Give what changes while somebody types: problems and origins by field, counts, shapes that fit."""
        report = self.report
        fields: dict[str, list[str]] = {}
        known = {field.name for field in (*self.own, *self.common)}
        for problem in report.problems:
            place = problem.field if problem.field in known else ""
            fields.setdefault(place or "", []).append(self._workspace.places.hidden(problem.text))
        counts = report.to_json()["counts"]
        return {
            "ok": report.ok,
            "problems": fields,
            "missing": list(report.missing),
            "origins": {name: "you" if name in self.given else text for name, text in report.origins.items()},
            "values": {name: text_of(value) for name, value in report.values.items()},
            "counts": counts,
            "scan": None if report.nav_shape is None else list(report.nav_shape),
            "nav_origin": report.nav_origin,
            "frame": None if report.sig_shape is None else list(report.sig_shape),
            "dtype": report.dtype,
            "alternatives": [{"shape": list(shape), "why": why} for shape, why in report.alternatives[:6]],
            "notes": [self._workspace.places.hidden(note) for note in report.notes],
        }


def checked(workspace: Workspace, target: Path | list[Path], format: str, posted: Mapping[str, str]) -> dict[str, Any]:
    """Give the messages for a form."""
    return FormatForm(workspace, target, format, posted).messages()


def resolved(workspace: Workspace, declarations: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Give values in which files are named by their paths; what lies in no place stays, and is refused as absent."""
    values = dict(given)
    for one in declarations:
        if one.param.kind == "path" and one.name in values:
            path = workspace.places.find(values[one.name])
            values[one.name] = str(path) if path is not None else "absent"
    return values


def previews(
    workspace: Workspace, target: Path | list[Path], format: str, posted: Mapping[str, str]
) -> list[dict[str, str]]:
    """Give the first, the middle and the last frame as small pictures.

    Raises
    ------
    LamellaError
        If the file cannot be opened with these values.
    """
    form = FormatForm(workspace, target, format, posted)
    dataset = lamella.open(target, form.format, **form.values)
    valid = dataset.valid_mask.reshape(-1).nonzero()[0]
    if not len(valid):
        return []
    shown: list[dict[str, str]] = []
    nav = tuple(dataset.shape.nav)
    for word, index in (("first", 0), ("middle", len(valid) // 2), ("last", len(valid) - 1)):
        place = _place(int(valid[index]), nav)
        frame = dataset[place]
        steps = tuple(slice(None, None, max(1, n // _PREVIEW)) for n in frame.shape)
        data = frame[steps] if frame.ndim == 2 else np.repeat(frame[steps].reshape(1, -1), _PREVIEW // 3, axis=0)
        result = AnalysisResult(key=word, title=word, desc=word, raw_data=data, scale="log")
        picture = base64.b64encode(result.get_image().getvalue()).decode()
        shown.append({"word": word, "place": ", ".join(map(str, place)), "source": f"data:image/png;base64,{picture}"})
    return shown


def _place(index: int, nav: tuple[int, ...]) -> tuple[int, ...]:
    place: list[int] = []
    for size in reversed(nav):
        place.append(index % size)
        index //= size
    return tuple(reversed(place))
