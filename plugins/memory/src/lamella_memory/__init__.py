"""Lamella plugin: arrays in memory."""

from lamella.format import Capability, FormatSpec

spec = FormatSpec(
    name="memory",
    title="Array in memory",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_memory.reader:MemoryReader",
    params="lamella_memory.params:MemoryParams",
    capabilities=frozenset({Capability.ZERO_COPY, Capability.SIG_RESHAPE}),
    target="object",
)
