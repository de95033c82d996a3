"""Reads arrays that NumPy saved."""

from __future__ import annotations

import math

from lamella.errors import FormatError, LamellaError, ParameterError
from lamella.reader import (
    Confidence,
    Encoding,
    LinearSource,
    Match,
    Probe,
    RunTable,
    SourceInfo,
    TransposedSource,
    split_shape,
)
from lamella_npy.archive import MAGIC as ARCHIVE, UnpackedSource, arrays_in, choose_member, header_of, refuse_large
from lamella_npy.header import MAGIC, Header, read_header
from lamella_npy.params import NpyParams


class NpyReader:
    """Takes the last axes of the array as the detector and the others as the scan."""

    def detect(self, probe: Probe) -> Match | None:
        """Recognise the first bytes; be sure if the header makes sense."""
        if probe.head.startswith(ARCHIVE) and probe.suffix == "npz":
            return _detect_archive(probe)
        if not probe.head.startswith(MAGIC):
            return None
        try:
            header = probe.once("npy header", read_header)
        except FormatError as error:
            return Match(Confidence.SIGNATURE, f"begins like an .npy file, but {error.problem}")
        return Match(Confidence.VERIFIED, f"header of an array of shape {header.shape} and dtype {header.dtype}")

    def open(self, params: NpyParams, probe: Probe) -> LinearSource | TransposedSource | UnpackedSource:
        """Describe the frames that are complete."""
        if probe.head.startswith(ARCHIVE) and probe.suffix != "npy":
            return _open_archive(params, probe)
        header = probe.once("npy header", read_header)
        if header.size == 0:
            raise FormatError("the array is empty", path=probe.path, found=f"shape {header.shape}")
        return _as_stored(header, params, probe)


def _as_stored(header: Header, params: NpyParams, probe: Probe) -> LinearSource | TransposedSource:
    contiguous = not header.fortran_order or sum(n > 1 for n in header.shape) < 2
    return _c_order(header, params, probe) if contiguous else _fortran_order(header, params, probe)


def _detect_archive(probe: Probe) -> Match | None:
    try:
        members = probe.once("npz arrays", arrays_in)
    except FormatError as error:
        return Match(Confidence.SIGNATURE, f"called .npz, but {error.problem}")
    return Match(Confidence.VERIFIED, f"an archive of {len(members)} arrays")


def _open_archive(params: NpyParams, probe: Probe) -> LinearSource | TransposedSource | UnpackedSource:
    """Describe an array of an archive: stored ones lie in the file like an .npy file, others are unpacked."""
    members = probe.once("npz arrays", arrays_in)
    member = choose_member(members, params.name, probe)
    refuse_large(member, probe)
    header = header_of(member, probe)
    if header.size == 0:
        raise FormatError(f"the array {member.name!r} is empty", path=probe.path, found=f"shape {header.shape}")
    if not member.packed:
        return _as_stored(header, params, probe)
    split = split_shape(header.shape, params.wanted_sig_dims, params.sig_shape)
    sig_shape = params.sig_shape or (split[1] if split is not None else None)
    if sig_shape is None:
        raise _too_few_axes(header, params, probe)
    if header.size < math.prod(sig_shape):
        raise _too_large(sig_shape, header)
    info = SourceInfo(
        nav_shape=None if split is None else split[0],
        nav_origin="number of frames" if split is None else "header",
        notes=("the array is compressed: each process unpacks all of it when it is first read",),
        details={**_details(header), "array": member.name},
    )
    return UnpackedSource(info, resource=probe.resource, member=member, header=header, sig_shape=sig_shape)


def _c_order(header: Header, params: NpyParams, probe: Probe) -> LinearSource:
    split = split_shape(header.shape, params.wanted_sig_dims, params.sig_shape)
    sig_shape = params.sig_shape or (split[1] if split is not None else None)
    if sig_shape is None:
        raise _too_few_axes(header, params, probe)
    announced, left = divmod(header.size, math.prod(sig_shape))
    if announced == 0:
        raise _too_large(sig_shape, header)
    resource = probe.resource
    stride = math.prod(sig_shape) * header.dtype.itemsize
    runs, notes = RunTable.that_fit(resource, offset=header.offset, stride=stride, announced=announced)
    if runs.n_frames == announced and header.end < probe.size:  # what follows are other arrays of an archive
        notes = _bytes_behind(header)
    if left and runs.n_frames == announced:
        notes = (f"{left} pixels at the end do not fill a frame and are ignored", *_bytes_behind(header))
    return LinearSource(
        resources=(resource,),
        runs=runs,
        encoding=Encoding(header.dtype, sig_shape),
        info=SourceInfo(
            nav_shape=None if split is None else split[0],
            nav_origin="number of frames" if split is None else "header",
            notes=notes,
            details=_details(header),
        ),
    )


def _fortran_order(header: Header, params: NpyParams, probe: Probe) -> TransposedSource:
    split = split_shape(header.shape, params.wanted_sig_dims, params.sig_shape)
    if split is None and params.sig_shape is None:
        raise _too_few_axes(header, params, probe)
    if split is None:
        raise ParameterError(
            f"sig_shape {params.sig_shape} fits no detector axes of {header.shape}, and an array in Fortran order "
            "cannot be cut into other frames. Save it in C order: np.save(path, np.ascontiguousarray(array))",
            field="sig_shape",
        )
    nav_shape, sig_shape = split
    info = SourceInfo(
        nav_shape=nav_shape,
        nav_origin="header",
        notes=(
            "the array is in Fortran order: reading it takes longer. In C order it would be fast: "
            "np.save(path, np.ascontiguousarray(array))",
            *_bytes_behind(header),
        ),
        details=_details(header),
    )
    axes = range(len(header.shape))[::-1]
    return TransposedSource(
        info,
        resources=[probe.resource],
        offset=header.offset,
        dtype=header.dtype,
        shape=header.shape[::-1],
        nav_axes=axes[: -len(sig_shape)],
        sig_axes=axes[-len(sig_shape) :],
    )


def _too_few_axes(header: Header, params: NpyParams, probe: Probe) -> LamellaError:
    if params.sig_dims is not None:
        return ParameterError(
            f"sig_dims is {params.sig_dims}, but the array has the shape {header.shape}", field="sig_dims"
        )
    return FormatError(
        "the array has fewer axes than a frame",
        path=probe.path,
        expected="at least 2",
        found=f"shape {header.shape}",
        remedy="Give sig_dims=1, or sig_shape",
    )


def _too_large(sig_shape: tuple[int, ...], header: Header) -> ParameterError:
    return ParameterError(
        f"sig_shape {sig_shape} has {math.prod(sig_shape)} pixels, but the whole array has {header.size}",
        field="sig_shape",
    )


def _details(header: Header) -> dict[str, object]:
    order = "Fortran" if header.fortran_order else "C"
    return {"npy version": header.version, "stored dtype": header.dtype.str, "order": order}


def _bytes_behind(header: Header) -> tuple[str, ...]:
    behind = header.end - header.offset - header.nbytes
    return (f"{behind} bytes after the array are ignored",) if behind > 0 else ()
