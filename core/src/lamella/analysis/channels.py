"""Channels of analyses: what each shows, known before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.plot.panels import Scale
    from lamella.reader.metadata import Axis

__all__ = ["Channel", "ChannelKind", "Span", "axes_of", "complex_channels", "complex_values", "kind_along"]

ChannelKind: TypeAlias = Literal["image", "curve", "field", "frames", "number"]
Span: TypeAlias = Literal["nav", "sig", "frames", "single"]

_KINDS: Mapping[int, ChannelKind] = {0: "number", 1: "curve", 2: "image"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel of a result, without its numbers.

    Parameters
    ----------
    key
        Its name.
    title, desc
        What it shows, in a few words and in a sentence.
    kind
        ``"image"`` for numbers over two axes, ``"curve"`` over one, ``"number"`` over none; ``"field"`` for a vector
        field, which is a tuple of an x and a y component; ``"frames"`` for more than two axes.
    span
        What its axes are: those of the scan (``"nav"``), of the detector (``"sig"``), one for frames and those of the
        detector (``"frames"``), or others (``"single"``).
    unit
        Unit of the numbers; empty if they have none, or it is not known.
    axes
        The axes of the numbers, if they are known.
    scale
        How its picture shows numbers: ``"linear"``; ``"log"`` for counts over many decades; ``"balanced"`` with zero in
        the middle of the colours.
    colours
        Name of a colour map for its picture; one of `lamella.plot.colours`.
    include_in_download
        Whether it is written by `AnalysisResultSet.save`.
    """

    key: str
    title: str
    desc: str
    kind: ChannelKind = "image"
    span: Span = "nav"
    unit: str = ""
    axes: tuple[Axis, ...] = ()
    scale: Scale = "linear"
    colours: str = "viridis"
    include_in_download: bool = True

    def declared(self) -> dict[str, Any]:
        """Give everything that was declared, by name."""
        return {item.name: getattr(self, item.name) for item in fields(Channel)}


def axes_of(dataset: DataSet, span: Span) -> tuple[Axis, ...]:
    """Give the axes of the scan or of the detector; nothing for other spans."""
    n = dataset.shape.nav.dims
    return {"nav": dataset.axes[:n], "sig": dataset.axes[n:]}.get(span, ())


def kind_along(dataset: DataSet, span: Span) -> ChannelKind:
    """Give what numbers over the axes of the scan or of the detector are."""
    return _KINDS.get(len(axes_of(dataset, span)), "frames")


def complex_channels(key: str, title: str, desc: str, *, log_first: bool = False, **shared: Any) -> list[Channel]:
    """Give the channels that show complex numbers: magnitude, its logarithm, both parts, angle, and all in one.

    Parameters
    ----------
    key, title, desc
        Names of the channel that they stand for.
    log_first
        Whether ``key`` itself is the picture on a logarithmic scale, and the linear one is ``key_lin``.
    **shared
        What all of them have in common: ``kind``, ``span``, ``unit``, ``axes``.
    """
    linear, log = (f"{key}_lin", key) if log_first else (key, f"{key}_log")
    angles = shared | {"unit": "rad"}

    def channel(name: str, what: str, more: Mapping[str, Any] = shared, **look: Any) -> Channel:
        return Channel(key=name, title=f"{title} [{what}]", desc=f"{desc} [{what}]", **more, **look)

    return [
        channel(linear, "magn"),
        channel(log, "log(magn)", scale="log"),
        channel(f"{key}_real", "real", scale="balanced", colours="RdBu_r"),
        channel(f"{key}_imag", "imag", scale="balanced", colours="RdBu_r"),
        channel(f"{key}_angle", "angle", angles, colours="twilight"),
        channel(f"{key}_complex", "complex"),
    ]


def complex_values(key: str, data: NDArray[Any], *, log_first: bool = False) -> dict[str, NDArray[Any]]:
    """Give the numbers of `complex_channels`."""
    magnitude = np.abs(data)
    return {
        f"{key}_lin" if log_first else key: magnitude,
        key if log_first else f"{key}_log": magnitude,
        f"{key}_real": data.real,
        f"{key}_imag": data.imag,
        f"{key}_angle": np.angle(data),
        f"{key}_complex": data,
    }
