"""Pictures of results that grow while a run goes on, by matplotlib, in scripts and notebooks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamella.errors import ParameterError, PluginError
from lamella.plot.figures import new_figure, norm_of
from lamella.plot.limits import choose_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.engine.runner import PartialResults
    from lamella.plot.panels import Scale
    from lamella.udf.results import ResultBuffer, UDFResult

__all__ = ["Channel", "LivePlot", "make_plots"]

Channel: TypeAlias = "str | tuple[str, Callable[[NDArray[Any]], NDArray[Any]]] | Callable[..., Any]"
"""Name of a result; the same with a function of its data; or a function of all results and the damage."""

_SIZE = (6.4, 4.8)  # inches


class LivePlot:
    """One picture, drawn again when there is something new.

    Parameters
    ----------
    channel
        What to show.
    udf_index
        Of which UDF of the run.
    title
        Title of the picture.
    min_delta
        Time between two updates [s].
    """

    def __init__(
        self, channel: Channel, *, udf_index: int = 0, title: str | None = None, min_delta: float = 0.5
    ) -> None:
        self.channel = channel
        self.udf_index = udf_index
        self.title = title or _name(channel)
        self.min_delta = min_delta
        self.figure: Any = None
        self._axes: Any = None
        self._image: Any = None
        self._handle: Any = None
        self._drawn = -np.inf
        self._scale: Scale = "linear"

    def extract(self, result: UDFResult, damage: ResultBuffer) -> NDArray[Any]:
        """Give the image to show.

        Raises
        ------
        ParameterError
            If there is no such result, or it is not an image.
        """
        channel = self.channel
        if isinstance(channel, str):
            return _image(channel, _known(_find(result, channel)))
        if isinstance(channel, tuple):
            return _image(channel[0], channel[1](_known(_find(result, channel[0]))))
        return _image(self.title, channel(result, damage))

    def update(self, partial: PartialResults, force: bool = False) -> None:
        """Show what is known now, unless that was done a moment ago."""
        now = time.monotonic()
        if not force and now - self._drawn < self.min_delta:
            return
        self._drawn = now
        self.draw(self.extract(partial.buffers[self.udf_index], partial.damage))

    def draw(self, image: NDArray[Any]) -> None:
        """Show an image; on a logarithmic scale where its values span more than a decade, see `choose_scale`."""
        if self.figure is None:
            self._open(image)
        self._image.set_data(image)
        if np.isfinite(image).any():
            self._scale_as(*choose_scale(image))
        self._show()

    def _scale_as(self, scale: Scale, limits: tuple[float, float]) -> None:
        if scale == self._scale:
            self._image.set_clim(*limits)
            return
        self._image.set_norm(norm_of(scale, limits))
        self._scale = scale

    def _open(self, image: NDArray[Any]) -> None:
        if _in_notebook():  # what pyplot knows is shown once more at the end of the cell
            self.figure = new_figure(_SIZE)
            self._axes = self.figure.add_subplot()
        else:
            self.figure, self._axes = _pyplot().subplots()
        self._image = self._axes.imshow(image)
        self._axes.set_title(self.title)
        self.figure.colorbar(self._image, ax=self._axes)

    def _show(self) -> None:
        if _in_notebook():
            from IPython.display import display  # type: ignore[import-not-found]

            if self._handle is None:
                self._handle = display(self.figure, display_id=True)
            else:
                self._handle.update(self.figure)
            return
        if _pyplot().isinteractive() or self.figure.canvas.manager is not None:
            self.figure.canvas.draw_idle()
            self.figure.canvas.flush_events()


def _known(result: ResultBuffer) -> NDArray[Any]:
    """Give a result with NaN where it is not known yet, if its dtype has that."""
    data = result.data
    if data.dtype.kind not in "fc" or (valid := result.valid_mask).all():
        return data
    return np.where(valid, data, np.array(np.nan, data.dtype))


def make_plots(
    option: Any, images: Sequence[Sequence[str]], plot_class: type[LivePlot] | None = None
) -> list[LivePlot]:
    """Give the plots that a user asked for.

    Parameters
    ----------
    option
        True for every result that is an image; a list of channels (of the only UDF), a list of such lists (one for
        each UDF), or a list of `LivePlot`.
    images
        For each UDF, the names of its results that are images.
    plot_class
        What draws; `LivePlot` by default.

    Raises
    ------
    ParameterError
        If the option is none of these.
    """
    make = plot_class or LivePlot
    if option is True:
        return [make(name, udf_index=i) for i, names in enumerate(images) for name in names]
    if not isinstance(option, (list, tuple)):
        raise ParameterError("give True, a list of channels, one such list for each UDF, or LivePlots", field="plots")
    if all(isinstance(item, LivePlot) for item in option):
        return list(option)
    nested = all(isinstance(item, list) for item in option)
    per_udf = option if nested else [option]
    return [make(channel, udf_index=i) for i, channels in enumerate(per_udf) for channel in channels]


def _find(result: UDFResult, name: str) -> ResultBuffer:
    if name not in result:
        raise ParameterError(f"no result is called {name!r}; there are {', '.join(result)}", field="plots")
    return result[name]


def _image(name: str, data: Any) -> NDArray[Any]:
    image = np.squeeze(np.asarray(data))
    if np.iscomplexobj(image):
        image = np.abs(image)
    if image.ndim == 1:
        image = image[np.newaxis]
    if image.ndim != 2:
        raise ParameterError(f"{name!r} of shape {np.shape(data)} is not an image", field="plots")
    return image.astype(np.float64)


def _name(channel: Channel) -> str:
    if isinstance(channel, str):
        return channel
    return channel[0] if isinstance(channel, tuple) else getattr(channel, "__name__", "result")


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise PluginError("live plots need matplotlib: pip install 'lamella[plot]'") from error
    return plt
