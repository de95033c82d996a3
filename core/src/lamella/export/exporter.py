"""The contract of exporters: write one data set into one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.executors.executor import Executor
    from lamella.progress import ProgressOption

__all__ = ["ExportReport", "Exporter"]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an exporter has written.

    Parameters
    ----------
    path
        The file.
    nbytes
        Its size [bytes].
    missing
        Number of scan positions without a frame.
    fill
        Value that was written there.
    """

    path: Path
    nbytes: int
    missing: int
    fill: float


class Exporter(Protocol):
    """Writes data sets in one format; made without arguments, found in the entry-point group ``lamella.exporters``.

    The class attribute ``api``, such as ``(1, 0)``, is the plugin API that it was written for; without it, ``(1, 0)``
    is assumed.
    """

    @property
    def extensions(self) -> tuple[str, ...]:
        """File name extensions in lower case, without the dot."""
        ...

    def export(
        self, dataset: DataSet, path: Path, *, executor: Executor, fill: float, progress: ProgressOption
    ) -> ExportReport:
        """Write a data set in bounded memory; ``path`` is replaced once it is complete, and not touched before.

        Parameters
        ----------
        dataset
            What to write, in the shape ``dataset.shape``.
        path
            The file, absolute. Its folder exists; the caller has checked that an existing file may be replaced.
        executor
            Where work can be done side by side.
        fill
            Value of scan positions without a frame.
        progress
            True for a progress bar, or a function that gets how many scan positions are done, and of how many.

        Returns
        -------
        ExportReport
            What was written.

        Raises
        ------
        LamellaError
            If the data cannot be read or written; then there is no new file.
        """
        ...
