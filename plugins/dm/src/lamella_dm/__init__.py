"""Lamella plugin: Gatan DigitalMicrograph DM3 and DM4 files."""

from lamella.format import Capability, FormatSpec, Signature

__all__ = ["spec"]

spec = FormatSpec(
    name="dm",
    title="Gatan DigitalMicrograph",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_dm.reader:DmReader",
    params="lamella_dm.params:DmParams",
    extensions=("dm3", "dm4"),
    signatures=(Signature(b"\x00\x00\x00\x03"), Signature(b"\x00\x00\x00\x04\x00\x00\x00\x00")),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.MULTI_FILE,
            Capability.FILE_LIST,
            Capability.METADATA,
        }
    ),
    url="https://www.er-c.org/cbb/info/dmformat/",
)
