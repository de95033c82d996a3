"""Results of analyses: channels by name, by number and one after the other, each with a picture."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.analysis.channels import Channel
from lamella.errors import ParameterError
from lamella.plot.figures import figure
from lamella.plot.panels import Panel
from lamella.plot.pictures import picture
from lamella.plot.png import png_bytes
from lamella.plot.results import array_panel
from lamella.reader.metadata import Axis
from lamella.system.arrays import as_array
from lamella.system.late import call_late

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import DTypeLike, NDArray

    from lamella.udf.results import ResultBuffer

__all__ = ["AnalysisResult", "AnalysisResultSet"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnalysisResult(Channel):
    """One channel of a result: what `Channel` says of it, and the numbers.

    Parameters
    ----------
    key, title, desc, kind, span, unit, axes, scale, colours, include_in_download
        See `Channel`.
    raw_data
        The numbers: an array, or a tuple of the x and the y component of a vector field.
    """

    raw_data: Any

    @property
    def visualized(self) -> NDArray[np.uint8]:
        """The picture: red, green, blue and opacity, shape ``(height, width, 4)``."""
        data = self.raw_data
        if isinstance(data, tuple):
            data = np.asarray(data[0]) + 1j * np.asarray(data[1])
        return picture(data, scale=self.scale, colours=self.colours)

    def panel(self, axes: Sequence[Axis] = ()) -> Panel | None:
        """Give its panel, see `lamella.plot.Panel`; None for what is no picture and no curve.

        Parameters
        ----------
        axes
            Those of the numbers, if they are known.
        """
        is_field = isinstance(self.raw_data, tuple)
        data = np.asarray(self.raw_data[0]) + 1j * np.asarray(self.raw_data[1]) if is_field else self.raw_data
        data = np.asarray(data)
        known = tuple(axes) or self.axes or tuple(Axis(name) for name in ("y", "x")[2 - min(data.ndim, 2) :])
        wish = "counts" if self.scale == "log" else self.scale
        panel = array_panel(self.key, data, known, title=self.title, wish=wish)
        return panel if panel is None or panel.kind != "image" else replace(panel, colours=self.colours)

    def get_image(self) -> io.BytesIO:
        """Give the picture as a PNG file in memory."""
        return io.BytesIO(png_bytes(self.visualized))

    def _repr_png_(self) -> bytes:
        return self.get_image().getvalue()

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return as_array(self.raw_data, dtype, copy)

    def __repr__(self) -> str:
        return f"<AnalysisResult {self.key}: {self.title}, shape {np.shape(self.raw_data)}>"


class AnalysisResultSet(Sequence[AnalysisResult]):
    """The channels of a result, as attributes, by name, by number, and one after the other.

    ``results["NAME"]`` gives every channel; ``results.NAME`` those that are not called like a method, such as
    ``count``, ``index``, ``keys``, ``plot`` or ``save``.

    Parameters
    ----------
    channels
        In the order in which they are shown.
    """

    def __init__(self, channels: Sequence[AnalysisResult]) -> None:
        self._channels = tuple(channels)
        self._axes: dict[tuple[int, ...], tuple[Axis, ...]] = {}

    def keys(self) -> tuple[str, ...]:
        """Give the names of the channels."""
        return tuple(channel.key for channel in self._channels)

    def __getattr__(self, name: str) -> AnalysisResult:
        channel = self._called(name)
        if channel is None:
            raise AttributeError(f"no channel is called {name!r}; there are {', '.join(self.keys())}")
        return channel

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, str):
            return self._channels[index]
        channel = self._called(index)
        if channel is None:
            raise KeyError(f"no channel is called {index!r}; there are {', '.join(self.keys())}")
        return channel

    def _called(self, name: str) -> AnalysisResult | None:
        return next((one for one in self.__dict__.get("_channels", ()) if one.key == name), None)

    def __len__(self) -> int:
        return len(self._channels)

    def __iter__(self) -> Iterator[AnalysisResult]:
        return iter(self._channels)

    def calibrate(self, result: Mapping[str, ResultBuffer]) -> None:
        """Take the axes of the channels from the results of a UDF that have the same shape."""
        found: dict[tuple[int, ...], set[tuple[Axis, ...]]] = {}
        for buffer in result.values():
            if buffer.axes and not buffer.extra_shape:
                found.setdefault(buffer.shape, set()).add(buffer.axes)
        self._axes = {shape: axes.pop() for shape, axes in found.items() if len(axes) == 1}

    def plot(self) -> Figure:
        """Draw the channels.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it where it is the last line of a cell; ``savefig`` writes it to a file.

        Raises
        ------
        ParameterError
            If no channel is a picture or a curve.
        PluginError
            If matplotlib is not installed.
        """
        panels = [channel.panel(self._axes.get(np.shape(channel.raw_data)[-2:], ())) for channel in self]
        drawn = [panel for panel in panels if panel is not None]
        if not drawn:
            shapes = ", ".join(f"{channel.key} has shape {np.shape(channel.raw_data)}" for channel in self)
            raise ParameterError(f"{shapes}; an image has two axes and a curve has one. Draw a part of it instead")
        return figure(drawn)

    def to_xarray(self) -> Any:
        """Give an xarray data set: a variable for each channel, with axes and units where they are known.

        Returns
        -------
        xarray.Dataset
            A vector field becomes two variables, ``KEY_x`` and ``KEY_y``.

        Raises
        ------
        PluginError
            If xarray is not installed.
        """
        arrays: dict[str, tuple[Any, tuple[Axis, ...]]] = {}
        for channel in self:
            raw = channel.raw_data
            parts = {channel.key: raw}
            if isinstance(raw, tuple):
                parts = {f"{channel.key}_x": raw[0], f"{channel.key}_y": raw[1]}
            arrays |= {name: (values, self._axes.get(np.shape(values), ())) for name, values in parts.items()}
        return call_late("arrays_to_xarray", arrays)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> tuple[Path, ...]:
        """Write the channels to ``.npz``, ``.tif`` or ``.png``; see `lamella.export.save_results`."""
        from lamella.export.results import save_results

        arrays: Mapping[str, Any] = {
            channel.key: channel.raw_data for channel in self._channels if channel.include_in_download
        }
        return save_results(arrays, path, overwrite=overwrite)

    def __repr__(self) -> str:
        return f"<AnalysisResultSet {', '.join(self.keys())}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.keys()]
