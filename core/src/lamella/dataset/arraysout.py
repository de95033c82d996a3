"""A data set as an array of other packages; the code that makes them stands above data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.system.late import call_late

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["ArraysOut"]


class ArraysOut:
    """The methods of a data set that give it to other packages, which are imported when they are called."""

    def to_dask(
        self,
        chunks: Any = "auto",
        *,
        dtype: DTypeLike | None = None,
        fill: float = 0,
        corrected: bool = False,
        roi: object = None,
    ) -> Any:
        """Give a Dask array of the pixels; nothing is read before it is computed.

        It works under every scheduler of Dask, also where the scheduler sees no files. The same files and parameters
        give the same names of tasks in every process, and other ones after a file changed.

        Parameters
        ----------
        chunks
            ``"auto"`` for whole frames of together 64 MiB (128 MiB for 256 GiB and more), or a size of chunks such as
            ``"16 MiB"``; else what Dask takes, such as a length for each axis, -1 for a whole one.
        dtype
            Dtype of the array; that of the pixels by default.
        fill
            Value of pixels at scan positions without a frame; ``ds.valid_mask`` tells which these are.
        corrected
            Whether pixels are corrected as in computations, by ``ds.corrections``; they are then floating point.
        roi
            Selected scan positions, as for ``Context.run_udf``.

        Returns
        -------
        dask.array.Array
            Shape ``ds.shape``; with ``roi``, shape ``(n_selected, *sig_shape)``.

        Raises
        ------
        PluginError
            If Dask is not installed.
        ParameterError
            If ``fill`` is no value of the dtype, or the region does not fit.
        """
        return call_late("to_dask", self, chunks, dtype=dtype, fill=fill, corrected=corrected, roi=roi)

    def to_xarray(self, *, fill: float = 0, chunks: Any = None) -> Any:
        """Give an xarray data set with named axes, coordinates with units, and what the file says as attributes.

        Parameters
        ----------
        fill
            Value of pixels at scan positions without a frame; the variable ``valid`` tells which these are.
        chunks
            None for pixels that are read when they are asked for; else Dask arrays, chunked as for `to_dask`.

        Returns
        -------
        xarray.Dataset
            ``counts`` over all axes; where the file has them, ``navigator`` and arrays with a value for each frame.

        Raises
        ------
        PluginError
            If xarray, or with ``chunks`` Dask, is not installed.
        """
        return call_late("to_xarray", self, fill=fill, chunks=chunks)

    def to_rsciio(self, *, lazy: bool = True) -> dict[str, Any]:
        """Give a dictionary as the readers of RosettaSciIO do: ``data``, ``axes``, ``metadata``, ``original_metadata``.

        Parameters
        ----------
        lazy
            Whether ``data`` is a Dask array, or else a NumPy array.

        Raises
        ------
        PluginError
            If it should be lazy and Dask is not installed.
        """
        given: dict[str, Any] = call_late("to_rsciio", self, lazy=lazy)
        return given

    def to_hyperspy(self, *, lazy: bool = True) -> Any:
        """Give a signal of HyperSpy with calibrated axes and metadata, and with a navigator where there is one.

        Parameters
        ----------
        lazy
            Whether it reads pixels when they are needed.

        Returns
        -------
        hyperspy.api.signals.BaseSignal
            For two detector axes, a ``LazySignal2D``, or what the installed extensions have for diffraction.

        Raises
        ------
        PluginError
            If HyperSpy is not installed.
        """
        return call_late("to_hyperspy", self, lazy=lazy)
