"""Data sets on their way to other processes: there they are opened again, and must be what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.errors import FormatError

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet

__all__ = ["ReopensDataSet"]


class ReopensDataSet:
    """A job with an attribute ``dataset``; unpickling it fails if the files have changed meanwhile."""

    dataset: DataSet

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": _files(self.dataset)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files")
        self.__dict__.update(state)
        if _files(self.dataset) != files:
            raise FormatError(
                "the file changed since the data set was opened",
                path=self.dataset.name,
                remedy="Open the data set again to see its present content",
            )


def _files(dataset: DataSet) -> tuple[object, ...]:
    """Give what must be the same where the data set is opened again."""
    return dataset.source.resources, tuple(dataset.shape), dataset.dtype
