"""The one concrete data set: scan and detector axes over a source, cut into partitions and tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

import numpy as np

from lamella.corrections.resolve import choose, fact, measured
from lamella.dataset.arraysout import ArraysOut
from lamella.dataset.coverage import check_room, check_visible, shown_frames, warn_of_gaps, warn_of_losses
from lamella.dataset.cutting import partition_bounds
from lamella.errors import LamellaError, LamellaWarning
from lamella.geometry.shape import Shape
from lamella.io.choose import choose_backend
from lamella.io.preference import preferred
from lamella.reader.metadata import named_axes
from lamella.system.late import call_late
from lamella.system.warn import quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import DTypeLike, NDArray

    from lamella.corrections.corrections import Corrections
    from lamella.dataset.indexing import Selection
    from lamella.dataset.partition import Partition
    from lamella.dataset.provenance import Provenance
    from lamella.dataset.recipe import DataSetRecipe
    from lamella.dataset.storedform import StoredForm
    from lamella.dataset.tiling import TilingScheme
    from lamella.geometry.roi import RoiMaker
    from lamella.io.backend import IOBackend
    from lamella.reader.metadata import Axis, Metadata
    from lamella.reader.source import FrameSource, LinearSource, ReadHints, SourceInfo

__all__ = ["DataSet"]


class DataSet(ArraysOut):
    """A scan of frames, opened but not loaded.

    Made by `lamella.open` or `Context.load`; see there for the parameters.

    Attributes
    ----------
    shape : Shape
        Scan axes, then detector axes; ``shape.nav`` and ``shape.sig``.
    dtype : numpy.dtype
        Dtype of the pixels, in native byte order.
    frame_map : FrameMap
        Which stored frame each scan position shows.
    missing : str
        What happens at positions without a frame: ``"skip"``, ``"zero"`` or ``"error"``.
    provenance : Provenance
        Which plugin read it, and where parameters came from.
    """

    def __init__(
        self,
        source: LinearSource | FrameSource,
        *,
        provenance: Provenance,
        nav_shape: tuple[int, ...] | None = None,
        sync_offset: int | None = None,
        missing: Literal["skip", "zero", "error"] = "skip",
        corrections: object = True,
        io_backend: str | IOBackend | None = None,
        num_partitions: int | None = None,
        name: str | None = None,
        notes: tuple[str, ...] = (),
        recipe: DataSetRecipe[DataSet] | None = None,
    ) -> None:
        self.source = source
        self.provenance = provenance
        self.missing = missing
        self.num_partitions = num_partitions
        self._io_backend = io_backend
        self._notes = notes
        self._recipe = recipe
        self.frame_map = shown_frames(source, nav_shape, sync_offset)
        self.shape = Shape(self.frame_map.nav_shape, source.sig_shape)
        self.dtype: np.dtype[Any] = source.dtype
        self.name = name or provenance.target or provenance.format
        if corrections is not True:
            self.__dict__["corrections"] = choose(corrections, lambda: None, self.shape.sig)
        check_visible(
            self.frame_map,
            missing=missing,
            name=self.name,
            **self._claim,
        )
        warn_of_gaps(self.frame_map, self.name)
        warn_of_losses(source.info.notes, self.name)

    # What it is.

    @property
    def _claim(self) -> _Claim:
        """Who says how many scan positions there are: the first file, or the user."""
        resources = self.source.resources
        return {
            "path": resources[0].path if resources else None,
            "asked": "nav_shape" in self.provenance.parameters,
        }

    def check_room(self, nbytes: int, what: str) -> None:
        """Refuse what would take too much memory for positions without a frame; see `lamella.dataset.coverage`."""
        check_room(self.frame_map, nbytes, what, **self._claim)

    @cached_property
    def info(self) -> SourceInfo:
        """What the file says about itself."""
        info = self.source.info
        return replace(info, notes=(*info.notes, *self._notes)) if self._notes else info

    @property
    def format(self) -> str:
        """The name of the format."""
        return self.provenance.format

    @property
    def title(self) -> str:
        """The format in words."""
        return self.provenance.title

    @property
    def metadata(self) -> Metadata:
        """What the microscope and the detector were doing."""
        return self.info.metadata

    @property
    def raw_metadata(self) -> Mapping[str, Any]:
        """Everything the file says, untouched and JSON-able."""
        return self.info.raw_metadata

    @cached_property
    def corrections(self) -> Corrections | None:
        """What computations correct pixels with: what the user gave, or else what belongs to the files.

        Dark frames are measured when this is first asked for. Indexing gives stored values, without corrections.

        Raises
        ------
        FormatError
            If the files that hold them are damaged.
        """
        path = self.source.resources[0].path if self.source.resources else None
        return choose(True, lambda: measured(self.info.corrections, path), self.shape.sig)

    @property
    def nbytes(self) -> int:
        """Size of all scan positions in native dtype [bytes]."""
        return self.shape.size * self.dtype.itemsize

    @property
    def delivered_nbytes(self) -> int:
        """Size of the frames that computations get, in native dtype [bytes]."""
        counts = self.frame_map.counts
        delivered = counts.positions if self.missing == "zero" else counts.shown
        return delivered * self.shape.sig.size * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Name, scale, offset and units of every axis; without units where nothing is known."""
        nav = self.info.nav_axes if self._as_suggested else ()
        return named_axes(nav, self.shape.nav, self.info.sig_axes, self.shape.sig)

    @property
    def _as_suggested(self) -> bool:
        return self.info.nav_shape is None or tuple(self.info.nav_shape) == tuple(self.shape.nav)

    @property
    def nav_origin(self) -> str:
        """Where the scan shape came from."""
        return self.provenance.origins.get("nav_shape") or self.info.nav_origin

    @property
    def valid_mask(self) -> NDArray[np.bool_]:
        """Where the scan has a frame, shape ``shape.nav``."""
        self.check_room(self.missing_count, "a mask")
        return self.frame_map.valid_mask

    @property
    def missing_count(self) -> int:
        """The number of scan positions without a frame."""
        return self.frame_map.counts.missing

    @property
    def backend(self) -> IOBackend:
        """How bytes reach memory: what the user named, or what is best in this process; see `lamella.io.prefer`."""
        return choose_backend(self._io_backend, self.source.resources)

    @property
    def recipe(self) -> DataSetRecipe[DataSet]:
        """Format, files and parameters by which the data set is opened again, here or elsewhere: a `lamella.Recipe`.

        Raises
        ------
        LamellaError
            If the data set is an object in memory, which has none.
        """
        if self._recipe is None:
            raise LamellaError(
                f"{self.name} is made of an object in memory and has no recipe. "
                "Export it to a file, which can be opened elsewhere"
            )
        return self._recipe

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Facts that help to understand a surprising result, JSON-able."""
        fm = self.frame_map
        counts = {_count_name(key): value for key, value in asdict(fm.counts).items()}
        return {
            "format": self.provenance.title,
            "shape": list(self.shape),
            "dtype": str(self.dtype),
            "nav_shape from": self.nav_origin,
            "nav_shape alternatives": [[list(shape), why] for shape, why in self.info.nav_alternatives],
            "sync_offset": fm.sync_offset,
            "io backend": self._backend_text(),
            "partitions": len(self._bounds()),
            "missing policy": self.missing,
            **counts,
            **self.info.details,
            "notes": list(self.info.notes),
        }

    def _backend_text(self) -> str:
        if not self.source.resources:
            return "none"
        name, preference = self.backend.name, preferred()
        by_choice = self._io_backend not in (None, "auto") or preference is None or preference.backend != name
        return name if by_choice or preference is None else f"{name}: {preference.reason}"

    @cached_property
    def fingerprint(self) -> str:
        """A key for caches: changes with format, parameters, and location, size and identity of every file."""
        import hashlib
        import json

        facts = {
            "format": [self.format, self.provenance.version],
            "parameters": {key: fact(value) for key, value in sorted(self.provenance.parameters.items())},
            "resources": [[r.location, r.size, r.identity] for r in self.source.resources],
            "shape": [list(self.shape.nav), list(self.shape.sig), str(self.dtype)],
            "identity": list(getattr(self.source, "identity", ())),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def per_frame(self, name: str) -> NDArray[Any]:
        """Give an array with one entry per stored frame, such as time stamps; see ``info.per_frame`` for names.

        Raises
        ------
        KeyError
            If the format has no such array.
        """
        return self.info.per_frame[name]()

    def navigator(self) -> NDArray[Any] | None:
        """Give the ready-made image of the scan that the file holds, or None."""
        return None if self.info.navigator is None else self.info.navigator()

    # Pixels.

    def __getitem__(self, index: Any) -> Any:
        return self.read(index)

    def read(
        self,
        index: Any = (),
        *,
        out: NDArray[Any] | None = None,
        fill: float | None = None,
        dtype: DTypeLike | None = None,
        corrected: bool = False,
    ) -> Any:
        """Read part of the data into memory; ``ds[index]`` is short for ``ds.read(index)``.

        Only the frames that are needed are read, and of them the smallest box of the detector that holds the wanted
        pixels. Memory holds the result and a tile.

        Parameters
        ----------
        index
            Integers, slices and Ellipsis over scan and detector axes, with NumPy's meaning, and 1-D arrays or lists
            of integers (in any order, also more than once; negative ones count from the end) or booleans. Each axis
            is selected by itself: several arrays give their outer product, as ``array[np.ix_(...)]`` does, where
            NumPy would take them as pairs. A boolean array of the shape of the scan may stand first; the positions
            that it selects become one axis.
        out
            Array to read into, of the shape of the result, with any strides. Its dtype is one that the stored values
            can be cast to by the rule ``"same_kind"`` of NumPy: too large numbers wrap around in smaller integers.
        fill
            Value of pixels at positions without a frame.
        dtype
            Dtype of the result; native by default.
        corrected
            Whether to correct pixels as computations do, by ``ds.corrections``; the result is then floating point.

        Returns
        -------
        numpy.ndarray or scalar
            What the same index into the whole array would give, or ``out``.

        Raises
        ------
        FrameMissingError
            If a position has no frame and ``fill`` is not given; ``out`` is unchanged then.
        IndexError
            If the index lies outside, or is of another kind.
        ParameterError
            If ``out`` cannot take the result, or the dtype of the result has no such value as ``fill``.

        Examples
        --------
        >>> import numpy as np
        >>> import lamella
        >>> ds = lamella.open(np.arange(240).reshape(3, 4, 4, 5), format="memory")
        >>> ds[[2, 0], 1:3, 0, [0, -1]].shape
        (2, 2, 2)
        """
        from lamella.dataset.indexing import Selection  # what only looks at a data set does without
        from lamella.dataset.readselection import SELECTING

        filled = fill is not None or self.missing == "zero"
        itemsize = 0 if out is not None or not filled else np.dtype(dtype or self.delivered_dtype(corrected)).itemsize

        def expect(positions: int, pixels: int, follow: bool) -> None:
            each = itemsize * pixels + (0 if follow else SELECTING)
            self.check_room((positions - self.frame_map.counts.shown) * each, "what was asked for")

        selection = Selection.of(index, self.shape, expect)
        return self.read_selected(selection, out=out, fill=fill, dtype=dtype, corrected=corrected)

    def read_selected(
        self,
        selection: Selection,
        *,
        out: NDArray[Any] | None = None,
        fill: float | None = None,
        dtype: DTypeLike | None = None,
        corrected: bool = False,
    ) -> Any:
        """Read what an index asks for; see `read`."""
        from lamella.dataset.fillvalue import fill_value
        from lamella.dataset.readselection import first_gap, read_selection, result_array

        places, frames = self.frame_map.present(selection.positions)
        if places is not None and fill is None and self.missing != "zero":
            self.frame_map.frame_at(int(selection.positions[first_gap(places)]))
        result = result_array(out, selection.shape, self.delivered_dtype(corrected), dtype)
        if places is not None:
            result[...] = 0 if fill is None else fill_value(fill, result.dtype)
        corrections = self.corrections if corrected else None
        read_selection(self.source, self.backend, selection, places, frames, result, corrections)
        return result if out is not None or result.ndim else result[()]

    def delivered_dtype(self, corrected: bool) -> np.dtype[Any]:
        """Give the dtype of pixels as they are stored, or as they are corrected."""
        if not corrected or self.corrections is None:
            return self.dtype
        return np.result_type(self.dtype, np.float32)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a data set on disk cannot become an array without copying it into memory")
        return np.asarray(self.read((), dtype=dtype))

    # Streaming.

    @cached_property
    def stored_form(self) -> StoredForm | None:
        """How frames are stored, if a computation can work on them as they are."""
        from lamella.dataset.storedform import stored_form

        return stored_form(self.source)

    @cached_property
    def hints(self) -> ReadHints:
        """What the source would like to be asked for; a codec decodes whole frames."""
        hints = self.source.hints
        codec = getattr(getattr(self.source, "encoding", None), "codec", None)
        return hints if codec is None else replace(hints, whole_frames=True)

    def partitions(self, n: int | None = None, *, workers: int = 1) -> tuple[Partition, ...]:
        """Cut the scan into contiguous stretches, in order.

        Every position that shows a frame lies in one of them. Where ``missing`` is not ``"zero"``, stretches of
        positions without frames lie in none: a scan that announces much more than it holds costs no more than what it
        holds.

        Parameters
        ----------
        n
            Number of stretches; chosen from the size of the data and the number of ``workers`` if None.
        workers
            How many will run at a time.
        """
        from lamella.dataset.partition import Partition

        return tuple(Partition(self, i, start, stop) for i, (start, stop) in enumerate(self._bounds(n, workers)))

    def _bounds(self, n: int | None = None, workers: int = 1) -> list[tuple[int, int]]:
        return partition_bounds(
            self.frame_map,
            self.source,
            self.delivered_nbytes,
            n or self.num_partitions,
            workers,
            everything=self.missing == "zero",
        )

    def scheme(self, **wishes: Any) -> TilingScheme:
        """Give the tiling that `negotiate` finds for this data set; keywords are passed on to it."""
        from lamella.dataset.tiling import negotiate, usual_target

        largest = max(len(partition) for partition in self.partitions())
        wishes.setdefault("target", usual_target(self.hints))
        return negotiate(
            sig_shape=self.shape.sig,
            itemsize=self.dtype.itemsize,
            n_frames=largest,
            hints=self.hints,
            **wishes,
        )

    @property
    def roi(self) -> RoiMaker:
        """Make masks by slicing: ``ds.roi[:, 3:5]`` is true there and false elsewhere."""
        from lamella.geometry.roi import RoiMaker

        self.check_room(self.missing_count, "a region of interest")
        return RoiMaker(self.shape.nav)

    # Life.

    def refresh(self) -> DataSet:
        """Look at the files again, to which a recording may have appended frames.

        Frames count as soon as they are complete. Whatever the user gave is kept: the shape of the scan for instance,
        in which positions that were missing now show frames. What was read from the files is read again. This data set
        stays as it is: it shows the frames that it showed, and computations with it go on.

        Returns
        -------
        DataSet
            What the files hold now, with another `fingerprint`; this data set if nothing has changed.

        Raises
        ------
        UnsupportedError
            If the frames of the format do not lie one after the other in files: chunks of HDF5, objects in memory.
        FormatError
            If a file is gone, became shorter (`TruncatedError`), or was replaced by another recording; opening it again
            helps.

        Examples
        --------
        >>> import warnings
        >>> import lamella
        >>> options = {"dtype": "u1", "sig_shape": (4, 4), "nav_shape": (2, 3)}
        >>> with open("growing.raw", "wb") as file:
        ...     _ = file.write(bytes(4 * 16))
        ...     _ = file.flush()
        ...     with warnings.catch_warnings(action="ignore"):  # that positions have no frame
        ...         ds = lamella.open("growing.raw", format="raw", **options)
        ...     _ = file.write(bytes(2 * 16))
        >>> ds.missing_count, ds.refresh().missing_count
        (2, 0)
        """
        return cast("DataSet", call_late("refreshed", self))

    def of_source(self, source: LinearSource | FrameSource, **changed: Any) -> DataSet:
        """Give a data set of another source that is opened like this one, without warnings; it has no recipe."""
        return _rebuild(source, {**self._options, **changed})

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.source, self._options)) if self._recipe is None else (self._recipe.reopen, ())

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "provenance": self.provenance,
            "nav_shape": tuple(self.shape.nav),
            "sync_offset": self.frame_map.sync_offset,
            "missing": self.missing,
            "corrections": self.__dict__.get("corrections", True),
            "io_backend": self._io_backend,
            "num_partitions": self.num_partitions,
            "name": self.name,
            "notes": self._notes,
        }

    def __repr__(self) -> str:
        from lamella.dataset.repr import dataset_text

        return dataset_text(self)

    def plot(self, **options: Any) -> Figure:
        """Draw the first look: what shows this file best, in one pass over the data.

        Parameters
        ----------
        **options
            As for `lamella.first_look`, such as ``roi`` or ``beam``.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it where it is the last line of a cell; ``savefig`` writes it to a file.

        Raises
        ------
        PluginError
            If matplotlib is not installed.
        """
        return cast("Figure", call_late("plot_dataset", self, **options))

    def view(self, viewer: str | None = None, **options: Any) -> Any:
        """Show the data interactively, by a viewer that a package adds in the entry-point group ``lamella.viewers``.

        Parameters
        ----------
        viewer
            Name of the viewer; the only one that is installed by default.
        **options
            For the viewer.

        Returns
        -------
        object
            What the viewer makes; a notebook shows it where it is the last line of a cell.

        Raises
        ------
        PluginError
            If no viewer is installed, several are and none was named, or the viewer fails.
        """
        return call_late("view_dataset", self, viewer, **options)

    def _repr_html_(self) -> str:
        from lamella.dataset.repr import dataset_html

        return dataset_html(self)


def _rebuild(source: LinearSource | FrameSource, options: dict[str, Any]) -> DataSet:
    with quiet(LamellaWarning):
        return DataSet(source, **options)


class _Claim(TypedDict):
    """Arguments of the checks against scans that are too large."""

    path: str | None
    asked: bool


def _count_name(field_name: str) -> str:
    """Give the name under which the diagnostics show a count."""
    return field_name if field_name in ("frames", "positions") else f"frames {field_name.replace('_', ' ')}"
