"""Lamella plugin: MRC2014 files with FEI extended headers, Direct Electron movies."""

from lamella.format import Capability, FormatSpec, Signature

__all__ = ["spec"]

spec = FormatSpec(
    name="mrc",
    title="MRC2014, FEI and Direct Electron",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_mrc.reader:MrcReader",
    params="lamella_mrc.params:MrcParams",
    extensions=("mrc", "mrcs", "map", "st", "rec", "ali", "txt"),  # Direct Electron's movies come with NAME_info.txt
    signatures=(
        Signature(b"MAP ", 208),
        Signature(b"\x44\x44\x00\x00", 212),
        Signature(b"\x44\x41\x00\x00", 212),
        Signature(b"\x11\x11\x00\x00", 212),
    ),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.METADATA,
        }
    ),
    requires=("mrcfile",),
    url="https://www.ccpem.ac.uk/mrc_format/mrc2014.php",
)
