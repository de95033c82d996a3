"""What a plugin author writes: how to make files of the format, without the reader that is to be tested."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from lamella.reader import Axis
from lamella_testkit.sample import Recorded, SampleData, Special, Wrong

__all__ = ["Sampler"]


class Sampler(ABC):
    """Writes files of one format, independently of its reader.

    Only `format`, `dtypes` and `write` have to be given; everything else has a default. A format that nobody can
    write gives real files through `recorded` instead.

    Attributes
    ----------
    format
        Name of the format, as in its `lamella.format.FormatSpec`.
    dtypes
        Stored dtypes, with byte order where the format has a choice: ``("<u2", ">u2", "<f4")``.
    bits
        Pixel values stay below ``2**bits``, for formats that pack pixels.
    nav_ranks, sig_ranks
        Numbers of scan axes and detector axes that the format can hold; the first is the usual one.
    variants
        Names of variants of the format (versions, layouts); `write` finds one in ``data.variant``.
    expansion
        Largest ratio of pixel bytes to file bytes; None for formats that compress or leave out without limit.
    floor
        Slowest acceptable sum over a file, as a share of the same loop over a NumPy memory map.
    confidence
        Least confidence with which the reader must recognise what `write` writes, for formats without a signature;
        those with one must reach 80.
    signed
        Whether every file of the format has one of the signatures of its spec, so that files without are refused.
    sidecars_elsewhere
        Whether the format allows a file to name others outside its directory.
    largest
        Size [bytes] of the file for the speed checks.
    careful
        Keywords of `lamella.open` for files from strangers, where a format has such; `lamella fuzz` uses them.
    unreached
        What no right file reaches in the reader, and why: a function such as ``"reader.Reader.open"``, or the text of
        a line. See the check `right_files_reach_the_reader`.
    unsaid
        What a reader reports and the sampler does not state, and why: ``"metadata.title"``, ``"per_frame.time"``,
        ``"corrections"``, ``"navigator"``, ``"notes"``, ``"axes"``, ``"raw_metadata"``, ``"index"``,
        ``"parameters.NAME"``. See the check `what_is_reported_is_stated`.
    known_failures
        Name of a check and the reason why it fails. It must fail then, and the level stays below it.
    """

    format: ClassVar[str]
    dtypes: ClassVar[tuple[str, ...]]
    bits: ClassVar[int | None] = None
    nav_ranks: ClassVar[tuple[int, ...]] = (2,)
    sig_ranks: ClassVar[tuple[int, ...]] = (2,)
    variants: ClassVar[tuple[str, ...]] = ("",)
    expansion: ClassVar[float | None] = 64.0
    floor: ClassVar[float] = 0.5
    confidence: ClassVar[int] = 80
    signed: ClassVar[bool] = True
    sidecars_elsewhere: ClassVar[bool] = False
    largest: ClassVar[int] = 256 << 20
    careful: ClassVar[Mapping[str, Any]] = {}
    unreached: ClassVar[Mapping[str, str]] = {}
    unsaid: ClassVar[Mapping[str, str]] = {}
    known_failures: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write a scan into an empty directory.

        Returns
        -------
        mapping
            What `lamella.open` needs: ``path`` of the main file (or ``data``, an object in memory), and further
            keywords if the file does not say everything.
        """

    def fit(self, data: SampleData) -> SampleData:
        """Give the nearest scan that the format can hold: square frames, a fixed detector, even rows ..."""
        return data

    def axes(self, data: SampleData) -> Sequence[Axis] | None:
        """Give the axes that a reader must report for what `write` wrote, or None if the format stores none."""
        return None

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give entries of `lamella.reader.Metadata` that a reader must report for what `write` wrote."""
        return {}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give entries that must stand in the raw metadata for what `write` wrote."""
        return {}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the arrays with one entry per frame that `write` wrote, by their names."""
        return {}

    def navigator(self, data: SampleData) -> object:
        """Give the image of the scan that `write` wrote, None if there is none; NotImplemented leaves that open."""
        return NotImplemented

    def corrections(self, data: SampleData) -> object:
        """Give the arrays ``"dark"``, ``"gain"`` and ``"excluded"`` that `write` wrote, by these names; {} if none.

        NotImplemented leaves that open.
        """
        return NotImplemented

    def expects_notes(self, data: SampleData) -> int | None:
        """Say how many notes to the user `write` gave reason for, or just whether it did; None leaves that open."""
        return None

    def promised(self, data: SampleData) -> Collection[str]:
        """Give the names of files beside the main one that the others announce: opening without one warns, or fails."""
        return ()

    def write_special(self, directory: Path, data: SampleData) -> Iterable[Special]:
        """Write right files that are not a whole scan, frame after frame, one after the other.

        Whatever the format can have of these: frames that were lost, frames before and behind the scan, a recording
        that was interrupted, fewer frames than the header announces, corrections, calibrations with an offset; and for
        each parameter of the format a file that is read otherwise with it.

        Parameters
        ----------
        directory
            An empty directory; a file may be written over the one before.
        data
            The scan that they are made from.

        Yields
        ------
        Special
            What is special, what `lamella.open` needs, and what must be found.
        """
        return ()

    def write_wrong(self, directory: Path, data: SampleData) -> Iterable[Wrong | tuple[str, Mapping[str, Any]]]:
        """Write files that a reader has to refuse, one after the other: unknown versions, contradictions, no pixels.

        Parameters
        ----------
        directory
            An empty directory; a file may be written over the one before.
        data
            The scan that is to be spoiled.

        Yields
        ------
        Wrong, or text, mapping
            What is wrong, and what `lamella.open` needs, as for `write`; with a `Wrong`, also the class of the error.
        """
        return ()

    def write_costly(self, directory: Path, data: SampleData) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Write small files that claim to hold far more than they do, one after the other.

        Changed fields find claims in headers that the kit can guess. This is for others: texts of a stated length,
        values that were never written, packed bytes that unpack to very many. A reader may open or refuse them; it
        must not take much memory.

        Parameters
        ----------
        directory
            An empty directory; a file may be written over the one before.
        data
            The scan that the files hold besides.

        Yields
        ------
        text, mapping
            What they claim, and what `lamella.open` needs, as for `write`; less than 1 GiB each.
        """
        return ()

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give, for each file name, the offsets [bytes] at which parts of its structure begin or end."""
        return {}

    def guarded(self, directory: Path, data: SampleData) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Give, for each file name, where bytes of pixels stand that a checksum guards: begin and end [bytes].

        Checksums of the format, and those of compressed streams (zlib, gzip, zip, zstd with a checksum).

        Parameters
        ----------
        directory
            Where `write` wrote the files.
        data
            The scan that they hold.
        """
        return {}

    def write_sparse(self, directory: Path, nbytes: int) -> Special | Mapping[str, Any] | None:
        """Write a file of about ``nbytes`` with a hole instead of pixels; None if the format does not allow that.

        Write the last pixels, and the last entries of arrays per frame, behind the hole, and state them as ``end`` and
        ``per_frame`` of a `Special`. A mapping, as for `write`, says nothing of them.
        """
        return None

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what an independent reader found in them."""
        return ()
