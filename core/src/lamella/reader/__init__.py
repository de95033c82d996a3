"""The public module for authors of formats: everything that a reader needs, imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.corrections.corrections import Corrections as Corrections
    from lamella.corrections.resolve import FileCorrections as FileCorrections
    from lamella.geometry.frames import as_range as as_range, consecutive as consecutive, limited as limited
    from lamella.geometry.pixelorder import BoxOrder as BoxOrder, IndexOrder as IndexOrder, ItemOrder as ItemOrder
    from lamella.geometry.shape import (
        Shape as Shape,
        SigBox as SigBox,
        scan_shapes as scan_shapes,
        split_shape as split_shape,
        square_scan as square_scan,
    )
    from lamella.reader.blockcache import cached_block as cached_block
    from lamella.reader.caution import Caution as Caution
    from lamella.reader.events import Events as Events, EventSource as EventSource, event_stretches as event_stretches
    from lamella.reader.inchild import in_child as in_child
    from lamella.reader.match import Confidence as Confidence, Match as Match
    from lamella.reader.metadata import Axis as Axis, Metadata as Metadata
    from lamella.reader.optics import electron_wavelength as electron_wavelength
    from lamella.reader.probe import Probe as Probe
    from lamella.reader.protocol import Reader as Reader
    from lamella.reader.readframes import read_frames as read_frames
    from lamella.reader.records import fields_of as fields_of, read_records as read_records, take_record as take_record
    from lamella.reader.resource import OpenFile as OpenFile, Resource as Resource
    from lamella.reader.runs import RunTable as RunTable, Segment as Segment
    from lamella.reader.session import IOSession as IOSession
    from lamella.reader.source import (
        Encoding as Encoding,
        FrameSource as FrameSource,
        LinearSource as LinearSource,
        ReadHints as ReadHints,
        SourceInfo as SourceInfo,
        StoredRows as StoredRows,
    )
    from lamella.reader.timestamps import elapsed as elapsed, moments as moments, stamp_arrays as stamp_arrays
    from lamella.reader.transposed import TransposedSource as TransposedSource
    from lamella.reader.values import (
        day_time as day_time,
        decoded_text as decoded_text,
        json_value as json_value,
        number as number,
        text_time as text_time,
        unix_time as unix_time,
        xml_value as xml_value,
    )
    from lamella.system.hosts import crosses_hosts as crosses_hosts
    from lamella.system.memory import memory_size as memory_size

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.reader.protocol": "Reader",
        "lamella.reader.probe": "Probe",
        "lamella.reader.match": "Confidence Match",
        "lamella.reader.resource": "OpenFile Resource",
        "lamella.reader.runs": "RunTable Segment",
        "lamella.reader.source": "Encoding FrameSource LinearSource ReadHints SourceInfo StoredRows",
        "lamella.reader.transposed": "TransposedSource",
        "lamella.reader.events": "EventSource Events event_stretches",
        "lamella.reader.session": "IOSession",
        "lamella.reader.metadata": "Axis Metadata",
        "lamella.reader.readframes": "read_frames",
        "lamella.reader.records": "fields_of read_records take_record",
        "lamella.reader.values": "day_time decoded_text json_value number text_time unix_time xml_value",
        "lamella.reader.timestamps": "elapsed moments stamp_arrays",
        "lamella.reader.optics": "electron_wavelength",
        "lamella.reader.blockcache": "cached_block",
        "lamella.reader.caution": "Caution",
        "lamella.reader.inchild": "in_child",
        "lamella.geometry.shape": "Shape SigBox scan_shapes split_shape square_scan",
        "lamella.geometry.frames": "as_range consecutive limited",
        "lamella.geometry.pixelorder": "BoxOrder IndexOrder ItemOrder",
        "lamella.corrections.corrections": "Corrections",
        "lamella.system.hosts": "crosses_hosts",
        "lamella.system.memory": "memory_size",
        "lamella.corrections.resolve": "FileCorrections",
    },
)
