"""A real file instead of a sampler: the reader is compared with itself, for a plugin that has no sampler yet."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit.catalogue import all_checks
from lamella_testkit.sample import SampleData
from lamella_testkit.sampler import Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet

__all__ = ["LARGEST", "FileSampler", "checks_for_file"]

LARGEST = 256 << 20
"""Size of the largest file that is tried: it is copied many times."""

_NAMES = (
    *("shape_and_dtype_are_right", "full_read_equals_what_was_written", "single_frames_are_read"),
    *("any_kind_of_path_is_taken", "files_are_only_read", "open_holds_no_file", "several_files_are_declared"),
    *("metadata_is_json", "metadata_is_typed", "axes_are_complete", "time_stamps_are_alike"),
    *("missing_file_is_not_found", "errors_name_the_file", "wrong_parameters_are_refused", "nothing_is_printed"),
    *("source_is_consistent", "source_reads_what_it_is_asked_for", "views_are_read_only", "sources_pickle"),
    *("sources_do_not_change", "reading_is_reentrant", "io_backends_agree", "threads_read_the_same"),
    *("spawned_process_reads_the_same", "orders_and_boxes_mix", "first_use_is_for_all_threads"),
    *("own_files_are_recognised", "no_other_format_claims_it", "detection_never_raises", "detection_is_cheap"),
    *("look_alikes_are_not_claimed", "foreign_files_are_not_claimed", "foreign_files_are_refused"),
    *("surroundings_do_not_matter", "changed_bytes_are_noticed", "random_damage_is_survived"),
    *("descriptors_are_given_back", "strange_parameters_are_survived"),
)
"""Checks that need no more than a file."""


@dataclass(frozen=True)
class _FileData(SampleData):
    """What a reader finds in a file; other shapes and pixels cannot be had."""

    found: Any = field(default=None, compare=False, repr=False)

    @property
    def pixels(self) -> NDArray[Any]:
        """The pixels as the reader gives them."""
        return np.asarray(self.found)

    def __str__(self) -> str:
        return f"the file, a scan of {self.nav_shape} with frames of {self.sig_shape}, dtype {self.dtype!r}"


class FileSampler(Sampler):
    """Copies a file and what lies beside it.

    Parameters
    ----------
    ds
        The file, opened.
    path
        The file itself.
    keywords
        What it was opened with.
    """

    format = ""
    dtypes = ("|u1",)
    expansion = None
    confidence = 20
    signed = False

    def __init__(
        self, ds: DataSet | None = None, path: Path = Path(), keywords: Mapping[str, Any] | None = None
    ) -> None:
        self._path, self._keywords, self._files = path, dict(keywords or {}), [path]
        self._data = SampleData((1,), (1, 1), "|u1")
        if ds is None:  # in a child that opens copies
            return
        used = {Path(resource.path) for resource in ds.source.resources}
        root = path.stem.rstrip("0123456789_-") or path.stem  # parts and sidecars have names that begin alike
        beside = {one for one in path.parent.iterdir() if one.is_file() and one.name.startswith(root)}
        self._files = sorted({one for one in used | beside | {path} if one.parent == path.parent})
        self.format = ds.format  # type: ignore[misc]
        self._data = _FileData(tuple(ds.shape.nav), tuple(ds.shape.sig), ds.dtype.str, found=ds.read())

    @property
    def nbytes(self) -> int:
        """The size of the files [bytes]."""
        return sum(one.stat().st_size for one in self._files)

    def fit(self, data: SampleData) -> SampleData:
        """Give the scan in the file, whatever was asked for."""
        return self._data

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Copy the file."""
        for one in self._files:
            shutil.copy(one, directory / one.name)
        return {"path": directory / self._path.name, **self._keywords}


def checks_for_file(level: int) -> list[str]:
    """Give the names of the checks up to a level that need no more than a file."""
    return [one.name for one in all_checks() if one.level <= level and (one.level == 0 or one.name in _NAMES)]
