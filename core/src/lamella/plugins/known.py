"""Formats that are known to have a plugin, so that an error can say what to install."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lamella.format import Signature

__all__ = ["CATALOGUE", "COMMANDS", "KnownFormat"]


@dataclass(frozen=True, slots=True)
class KnownFormat:
    """A format, the distribution that reads it, and how its files can be told."""

    title: str
    distribution: str
    extensions: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def install(self) -> str:
        """The line that installs it."""
        return f"pip install {self.distribution}"


_HDF5 = b"\x89HDF\r\n\x1a\n"

CATALOGUE: Mapping[str, KnownFormat] = MappingProxyType(
    {
        "raw": KnownFormat("Headerless binary frames", "lamella-raw", ("raw", "bin")),
        "npy": KnownFormat("NumPy array file", "lamella-npy", ("npy",), (Signature(b"\x93NUMPY"),)),
        "memory": KnownFormat("Array in memory", "lamella-memory"),
        "blo": KnownFormat("NanoMEGAS ASTAR block file", "lamella-blo", ("blo",), (Signature(b"IMGBLO"),)),
        "mib": KnownFormat("Quantum Detectors Merlin (Medipix3)", "lamella-mib", ("mib", "hdr"), (Signature(b"MQ1,"),)),
        "frms6": KnownFormat(
            "PNDetector pnCCD camera", "lamella-frms6", ("frms6", "hdr"), (Signature(b"\x00\x04\x40\x00"),)
        ),
        "k2is": KnownFormat(
            "Gatan K2 IS raw sectors", "lamella-k2is", ("gtg", "bin"), (Signature(b"\xff\xff\x00\x55"),)
        ),
        "hdf5": KnownFormat(
            "HDF5, NeXus, EMD, DECTRIS master files",
            "lamella-hdf5",
            ("h5", "hdf5", "hspy", "nxs", "emd"),
            tuple(Signature(_HDF5, offset) for offset in (0, 512, 1024, 2048, 4096, 8192)),
        ),
        "raw_csr": KnownFormat("Sparse frames in CSR layout", "lamella-raw-csr", ("toml",)),
        "ser": KnownFormat("FEI/Thermo Fisher TIA series", "lamella-ser", ("ser",), (Signature(b"II\x97\x01"),)),
        "dm": KnownFormat(
            "Gatan DigitalMicrograph",
            "lamella-dm",
            ("dm3", "dm4"),
            (Signature(b"\x00\x00\x00\x03"), Signature(b"\x00\x00\x00\x04\x00\x00\x00\x00")),
        ),
        "mrc": KnownFormat(
            "MRC2014, FEI and Direct Electron",
            "lamella-mrc",
            ("mrc", "mrcs", "map", "st", "rec", "ali"),
            (Signature(b"MAP ", 208),),
        ),
        "empad": KnownFormat("Thermo Fisher EMPAD", "lamella-empad", ("xml", "raw")),
        "seq": KnownFormat(
            "Norpix StreamPix sequence", "lamella-seq", ("seq",), (Signature(b"\xed\xfe\x00\x00N\x00o\x00r\x00"),)
        ),
        "tvips": KnownFormat(
            "TVIPS EM-Menu recorder stream",
            "lamella-tvips",
            ("tvips",),
            (Signature(b"\x00\x01\x00\x00\x01\x00\x00\x00"), Signature(b"\x00\x01\x00\x00\x02\x00\x00\x00")),
        ),
        "dask": KnownFormat("Dask array", "lamella-dask"),
    }
)
"""Name of each known format and how to get and recognise it."""

COMMANDS: Mapping[str, str] = MappingProxyType(
    {"conformance": "lamella-testkit", "fuzz": "lamella-testkit", "new-format": "lamella-testkit"}
)
"""Commands of the terminal that other distributions bring, by name."""
