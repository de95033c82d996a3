"""Files that grow: a data set with what was recorded since it was opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from lamella.dataset.growing import frame_places, holding_frames
from lamella.errors import FormatError, LamellaWarning, UnsupportedError
from lamella.opening.open import Recipe
from lamella.reader.source import LinearSource
from lamella.system.warn import quiet

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet

__all__ = ["refreshed"]

_OPEN_AGAIN = "Open the file again to see its present content"


def refreshed(dataset: DataSet) -> DataSet:
    """Look at the files again; see `lamella.DataSet.refresh`."""
    source = dataset.source
    if not isinstance(source, LinearSource):
        path = source.resources[0].path if source.resources else None
        raise UnsupportedError(
            f"a data set of the format {dataset.format!r} cannot be refreshed: its frames are not runs of equal frames "
            "in files, to which a recording only appends",
            path=path,
            remedy="Open it again to see new frames",
        )
    for resource in holding_frames(source):
        if resource.other_file(resource.look_again()):
            _refuse(resource.path, "the file it was", "another file of this name")
    recipe = dataset.recipe
    origins = dataset.provenance.origins
    given = {name: value for name, value in recipe.parameters.items() if origins.get(name) == "user"}
    with quiet(LamellaWarning):
        now = Recipe.of(recipe.target, recipe.format, given).open()
    if now.fingerprint == dataset.fingerprint:
        return dataset
    _check_goes_on(dataset, now)
    how = {name: getattr(dataset.provenance, name) for name in ("confidence", "reason")}
    now.provenance = replace(now.provenance, **how)
    return now


def _check_goes_on(dataset: DataSet, now: DataSet) -> None:
    """Raise `FormatError` unless the frames of a data set are the first frames of another one."""
    path = dataset.source.resources[0].path
    old, new = dataset.source, now.source
    assert isinstance(old, LinearSource)
    if not isinstance(new, LinearSource) or _frame_text(old) != _frame_text(new):
        _refuse(path, _frame_text(old), _frame_text(new) if isinstance(new, LinearSource) else "frames of another kind")
    if new.n_frames < old.n_frames:
        _refuse(path, f"{old.n_frames} frames or more", f"{new.n_frames} frames")
    began = old.info.metadata.acquired, new.info.metadata.acquired
    if None not in began and began[0] != began[1]:
        _refuse(path, f"a recording that began at {began[0]}", f"one that began at {began[1]}")
    first = old.runs.first[:-1][old.runs.count > 0]
    ends = np.unique(np.concatenate([first, old.runs.first[1:][old.runs.count > 0] - 1]))
    for frame, before, after in zip(ends, frame_places(old, ends), frame_places(new, ends), strict=True):
        if before != after:
            _refuse(path, f"frame {frame} at the place where it was", "it elsewhere")


def _frame_text(source: LinearSource) -> str:
    encoding = source.encoding
    how = "plain" if encoding.codec is None else encoding.codec.name
    layout = f"{encoding.dtype.str}, {how}, strides {encoding.strides} from byte {encoding.origin}"
    return f"frames of {'x'.join(map(str, source.sig_shape))} pixels ({layout})"


def _refuse(path: str, expected: str, found: str) -> NoReturn:
    raise FormatError(
        "the file was replaced since it was opened: it holds another recording, or not all of it any more",
        path=path,
        expected=expected,
        found=found,
        remedy=_OPEN_AGAIN,
    )
