"""Lamella plugin: raw binary data of Gatan K2 IS cameras."""

from lamella.format import Capability, FormatSpec, Signature

spec = FormatSpec(
    name="k2is",
    title="Gatan K2 IS raw sectors",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_k2is.reader:K2isReader",
    params="lamella_k2is.params:K2isParams",
    extensions=("gtg", "bin"),
    signatures=(Signature(b"\xff\xff\x00\x55"),),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.MULTI_FILE,
            Capability.METADATA,
        }
    ),
    url="https://libertem.github.io/LiberTEM/reference/dataset.html",
)
