"""The first frame: its header, how its pixels are stored, and the proof that the next frame is where it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.reader import Probe
from lamella_mib.header import MAGIC, FrameHeader, parse_header
from lamella_mib.params import MibParams
from lamella_mib.pixels import Pixels, find_pixels
from lamella_mib.sidecar import Sidecar

__all__ = ["any_frame", "first_frame"]


def any_frame(probe: Probe, names: Sequence[str], params: MibParams, sidecar: Sidecar) -> tuple[FrameHeader, Pixels]:
    """Read the first frame of the named part; of the next one if that was cut before its first frame was complete.

    Raises
    ------
    FormatError
        If no part has a complete frame, or the frames cannot be decoded.
    """
    problem: FormatError | None = None
    for part in _probes(probe, names):
        try:
            return first_frame(part, params, sidecar)
        except TruncatedError as error:
            problem = problem or error
    raise problem or TruncatedError("all parts are empty", path=probe.path, found=", ".join(names[:5]))


def _probes(probe: Probe, names: Sequence[str]) -> Iterator[Probe]:
    """Give the named part and then the others, without those that are empty."""
    assert probe.path is not None
    if probe.suffix != "hdr" and probe.size:
        yield probe
    for path in (probe.sibling(name) for name in names if name != probe.path.name):
        if path is not None and (other := Probe.of(path)).size:
            yield other


def first_frame(probe: Probe, params: MibParams, sidecar: Sidecar) -> tuple[FrameHeader, Pixels]:
    """Read the first header of a part and find out how frames are decoded; checks that a second record follows.

    Raises
    ------
    FormatError
        If there is no complete frame, the next one is somewhere else, or frames cannot be decoded.
    """
    path = str(probe.path)
    header = probe.once("mib header", lambda probe: parse_header(probe.head, path))
    if header.header_size >= probe.size:
        raise TruncatedError(
            "the file ends before the pixels of its first frame",
            path=path,
            expected=f"more than {header.header_size} bytes",
            found=f"{probe.size} bytes",
        )

    def next_record(nbytes: int) -> bytes | None:
        """Give the beginning of what follows a payload, None if the file ends before."""
        end = header.header_size + nbytes
        return probe.read(end, len(MAGIC)) if end <= probe.size else None

    def follows(nbytes: int) -> bool:
        return next_record(nbytes) in (MAGIC, b"")

    pixels = find_pixels(
        header,
        path,
        follows=follows,
        depth=params.counter_depth,
        sidecar_depth=sidecar.number("Counter Depth"),
        gap=params.gap,
    )
    stride = header.header_size + pixels.nbytes
    found = next_record(pixels.nbytes)
    if found is None:
        raise TruncatedError(
            "the only frame is incomplete", path=path, expected=f"{stride} bytes", found=f"{probe.size} bytes"
        )
    if probe.size >= 2 * stride and found != MAGIC and any(found):
        raise CorruptError(
            "the header of the second frame is not where the first one puts it",
            path=path,
            expected=f"{MAGIC!r} at byte {stride}",
            found=repr(found),
            remedy="The file is damaged, or of a variant that is not known; please report it with its first 1 KiB",
        )
    return header, pixels
