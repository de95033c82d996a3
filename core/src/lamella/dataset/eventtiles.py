"""Tiles of sparse data: events instead of pixels."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lamella.dataset.partition import Tile
from lamella.geometry.frames import consecutive
from lamella.geometry.shape import SigBox
from lamella.reader.events import EventSource, event_stretches

if TYPE_CHECKING:
    from lamella.dataset.partition import Partition
    from lamella.geometry.roi import Region
    from lamella.io.backend import IOBackend

__all__ = ["event_tiles"]


def event_tiles(partition: Partition, region: Region, backend: IOBackend) -> Generator[Tile]:
    """Give the events of every selected position that has a frame; tiles hold `Events` instead of pixels."""
    ds = partition.dataset
    source = ds.source
    assert isinstance(source, EventSource)
    session = backend.open(source.resources)
    box = SigBox.full(ds.shape.sig)
    try:
        for stretch in ds.frame_map.stretches(region, partition.start, partition.stop):
            row = 0
            for start, stop in consecutive(stretch.frames):
                for first, last in event_stretches(source.first_event, start, stop):
                    part = stretch.cut(row, row + last - first)
                    row += last - first
                    events: Any = source.events(session, first, last)
                    yield Tile(events, box, 0, part.start, part.positions)
        session.confirm()
    except Exception:
        session.confirm()  # what came of bytes that were not there is less to the point than why they were not
        raise
    finally:
        session.close()
