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
