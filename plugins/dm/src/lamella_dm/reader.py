"""DigitalMicrograph files: one image of a file, or the images of a list of files one after the other."""

from __future__ import annotations

from lamella.reader import Confidence, Encoding, LinearSource, Match, Probe, Resource, RunTable
from lamella_dm.params import DmParams
from lamella_dm.selected import select, source_info
from lamella_dm.stack import stack_of
from lamella_dm.transposed import TransposedSource

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
        root, kind = head[8 + word : 10 + word], head[10 + 2 * word : 11 + 2 * word]
        if flag not in (b"\0\0\0\0", b"\0\0\0\1") or set(root) - {0, 1} or kind not in (b"\x14", b"\x15"):
            return None
        if 0 <= probe.size - size <= 64:
            return Match(Confidence.VERIFIED, f"a DM{version} header that knows the size of the file, and tags")
        return Match(Confidence.MAGIC, f"a DM{version} header and tags, but another size of the file")

    def open(self, params: DmParams, probe: Probe) -> LinearSource | TransposedSource:
        """Describe an image, or a stack of files."""
        if len(probe.paths) > 1:
            return stack_of(params, probe.paths)
        found = select(params, probe)
        info = source_info(found)
        resource, data = Resource.of_probe(probe), found.image.data
        if found.layout.transposed:
            return TransposedSource(resource, data.offset, found.layout.dtype, info)
        encoding = Encoding(found.layout.dtype, found.layout.sig_shape)
        runs = RunTable.single(offset=data.offset, stride=encoding.extent()[1], count=info.n_frames)
        return LinearSource(resources=(resource,), runs=runs, encoding=encoding, info=info)
