"""The first look as a figure of matplotlib; what `lamella.DataSet.plot` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.firstlook.look import first_look
from lamella.plot.figures import figure, need_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lamella.dataset.dataset import DataSet

__all__ = ["plot_dataset"]


def plot_dataset(dataset: DataSet, **options: Any) -> Figure:
    """Draw what `first_look` gives; its notes become the caption."""
    need_matplotlib()
    look = first_look(dataset, **options)
    return figure(look, title=Path(dataset.name).name, caption="; ".join(look.notes))
