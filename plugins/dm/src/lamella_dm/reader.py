"""DigitalMicrograph files: one image of a file, or the images of a list of files one after the other."""

from __future__ import annotations

import math

from lamella.reader import Confidence, LinearSource, Match, Probe, RunTable, TransposedSource
from lamella_dm.params import DmParams
from lamella_dm.selected import select, source_info
from lamella_dm.stack import stack_of

__all__ = ["DmReader"]


class DmReader:
    """Opens the largest image of a file, or the one that is asked for."""

    def detect(self, probe: Probe) -> Match | None:
        """Look at the header and at the beginning of the tags."""
        head = probe.head
        version = int.from_bytes(head[:4], "big")
        word = {3: 4, 4: 8}.get(version, 0)
        if not word or probe.suffix == "gtg":
            return None
        size, flag = int.from_bytes(head[4 : 4 + word], "big"), head[4 + word : 8 + word]
        kind = head[10 + 2 * word : 11 + 2 * word]  # of the first tag
        if flag not in (b"\0\0\0\0", b"\0\0\0\1") or kind not in (b"\x14", b"\x15"):
            return None
        if 0 <= probe.size - size <= 64:
            return Match(Confidence.VERIFIED, f"a DM{version} header that knows the size of the file, and tags")
        return Match(Confidence.MAGIC, f"a DM{version} header and tags, but another size of the file")

    def open(self, params: DmParams, probe: Probe) -> LinearSource | TransposedSource:
        """Describe an image, or a stack of files."""
        if len(probe.paths) > 1:
            return stack_of(params, probe.paths)
        found = select(params, probe)
        info, layout = source_info(found), found.layout
        resource, offset = probe.resource, found.image.data.offset
        if layout.transposed:
            axes = range(len(layout.sig_shape) + len(layout.nav_shape))
            return TransposedSource(
                info,
                resources=[resource],
                offset=offset,
                dtype=layout.dtype,
                shape=(*layout.sig_shape, *layout.nav_shape),
                nav_axes=axes[len(layout.sig_shape) :],
                sig_axes=axes[: len(layout.sig_shape)],
            )
        encoding = layout.encoding
        runs = RunTable.single(offset=offset, stride=encoding.extent()[1], count=math.prod(layout.nav_shape))
        return LinearSource(resources=(resource,), runs=runs, encoding=encoding, info=info)
