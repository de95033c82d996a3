"""Lamella plugin: `.frms6` files of PNDetector pnCCD cameras."""

from lamella.format import Capability, FormatSpec, Signature

spec = FormatSpec(
    name="frms6",
    title="PNDetector pnCCD frames",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_frms6.reader:Frms6Reader",
    params="lamella_frms6.params:Frms6Params",
    extensions=("frms6", "hdr"),
    signatures=(Signature(b"\x00\x04\x40\x00"),),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.MULTI_FILE,
            Capability.CORRECTIONS,
            Capability.METADATA,
        }
    ),
    url="https://libertem.github.io/LiberTEM/reference/dataset.html",
)
