"""Lamella plugin: Thermo Fisher EMPAD."""

from lamella.format import Capability, FormatSpec

__all__ = ["spec"]

spec = FormatSpec(
    name="empad",
    title="Thermo Fisher EMPAD",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_empad.reader:EmpadReader",
    params="lamella_empad.params:EmpadParams",
    extensions=("xml", "raw", "json"),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.METADATA,
        }
    ),
    url="https://hyperspy.org/rosettasciio/supported_formats/empad.html",
)
