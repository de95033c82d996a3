"""The image of a file that is opened, and what it tells the core."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamella.errors import ParameterError, TruncatedError, UnsupportedError
from lamella.reader import Caution, Probe, RunTable, SourceInfo
from lamella_dm.codecs import CHANNELS
from lamella_dm.images import PICTURES, Image, Layout, find_images, layout_of, sig_names
from lamella_dm.metadata import metadata_of
from lamella_dm.params import DmParams
from lamella_dm.parse import read_tags
from lamella_dm.tags import Array, Tags

__all__ = ["Selected", "select", "source_info"]


@dataclass(frozen=True, slots=True)
class Selected:
    """The image that is to be opened, and how."""

    tags: Tags
    images: list[Image]
    image: Image
    layout: Layout
    notes: tuple[str, ...] = ()


def select(params: DmParams, probe: Probe) -> Selected:
    """Read the tags of a file, and choose one of its images.

    Raises
    ------
    FormatError
        If the image cannot be read.
    ParameterError
        If there is no image of the number that is asked for.
    """
    tags = read_tags(probe)
    images = find_images(tags, probe)
    image = _chosen(images, params)
    if image.is_thumbnail and params.dataset_index is None and image.data_type in PICTURES:
        raise UnsupportedError(
            "the file holds a thumbnail in colours and no other image",
            path=probe.path,
            remedy=f"dataset_index={image.index} opens the thumbnail",
        )
    if tags.end is not None and params.dataset_index is None and image.data_type in PICTURES:
        raise TruncatedError(
            "the file was cut behind a picture in colours, which may be a thumbnail of what is lost",
            path=probe.path,
            found=f"{probe.size} bytes",
            remedy=f"Copy it again; dataset_index={image.index} opens the picture",
        )
    if tags.end is not None and (not image.dims or math.prod(image.dims) != image.data.count or _is_cut(image, probe)):
        layout, note = _cut_layout(image, tags, params, probe)
        return Selected(tags, images, image, layout, (note,))
    layout = layout_of(image, tags, probe, force_c_order=params.force_c_order)
    others = [str(other) for other in images if other is not image and not other.is_thumbnail]
    notes = [f"the file holds other images, open them by dataset_index: {'; '.join(others)}"] if others else []
    if tags.end is not None:
        notes.append(Caution(f"the file was cut at byte {tags.end}, after the pixels: tags are missing"))
    return Selected(tags, images, image, layout, (*layout.notes, *notes))


def _is_cut(image: Image, probe: Probe) -> bool:
    return image.data.offset + image.data.nbytes > probe.size


def _chosen(images: list[Image], params: DmParams) -> Image:
    """Give the image that is asked for, or the one with the most axes; the largest of those."""
    if params.dataset_index is None:
        return max([image for image in images if not image.is_thumbnail] or images, key=lambda image: image.rank)
    wanted = [image for image in images if image.index == params.dataset_index]
    if not wanted:
        listed = "; ".join(str(image) for image in images)
        raise ParameterError(
            f"there is no image {params.dataset_index} in the file, which has {listed}", field="dataset_index"
        )
    return wanted[0]


def _cut_layout(image: Image, tags: Tags, params: DmParams, probe: Probe) -> tuple[Layout, str]:
    """Give the layout of an image in whose pixels the file ends: its shape and kind stood behind them."""
    dtype = _element_dtype(image.data)
    rank, begin = len(image.calibrations), image.data.offset
    where = "within" if _is_cut(image, probe) else "behind"
    lost = f"the file was cut {where} the pixels of image {image.index}, and the tags after them are lost"
    expected, found = f"bytes {begin} to {begin + image.data.nbytes}", f"{probe.size} bytes"
    if params.sig_shape is None or dtype is None:
        units = ", ".join(one.text("Units") or "no units" for one in image.calibrations)
        raise TruncatedError(
            lost,
            path=probe.path,
            expected=expected,
            found=found,
            remedy=f"It has {rank} axes ({units}) and {image.data.count} pixels of {dtype or image.data.dtype}. "
            "Give sig_shape to open the frames that are complete, if the detector has the fast axes",
        )
    stride = math.prod(params.sig_shape) * dtype.itemsize
    announced = image.data.nbytes // stride
    runs, _ = RunTable.that_fit(probe.resource, offset=begin, stride=stride, announced=announced)
    count = runs.n_frames
    n_sig = len(params.sig_shape)
    dims = range(n_sig)[::-1]
    axes = tuple(image.axis(*pair) for pair in zip(dims, sig_names(image, dims, rank - n_sig), strict=True))
    return Layout(dtype, (count,), params.sig_shape, (), axes, False), Caution(f"{lost}; {count} frames are complete")


def _element_dtype(data: Array) -> np.dtype[Any] | None:
    """Give the dtype of pixels by their stored type; two floating point numbers are a complex one."""
    if data.dtype.names is None:
        return data.dtype
    parts = [data.dtype[name] for name in data.dtype.names]
    if len(parts) != 2 or parts[0] != parts[1] or parts[0].kind != "f":
        return None
    return np.dtype(f"c{2 * parts[0].itemsize}").newbyteorder(parts[0].byteorder)


def source_info(selected: Selected) -> SourceInfo:
    """Give what the core has to know about the image."""
    layout, image = selected.layout, selected.image
    n_frames = math.prod(layout.nav_shape)
    nav_shape, origin, axes = layout.nav_shape, "header", layout.nav_axes
    stem = [image.tree.number("ImageTags", "4D STEM Tags", f"Scan shape {axis}") for axis in "YX"]
    if len(nav_shape) == 1 and stem[0] * stem[1] == n_frames:
        nav_shape, origin, axes = (int(stem[0]), int(stem[1])), "header: 4D STEM Tags", ()
    return SourceInfo(
        nav_shape=nav_shape,
        nav_origin=origin,
        nav_alternatives=_sampling(image, n_frames),
        nav_axes=axes,
        sig_axes=layout.sig_axes,
        metadata=metadata_of(image.tree),
        raw_metadata=selected.tags.root.to_json(),
        notes=selected.notes,
        details={
            "version": f"DM{selected.tags.version}",
            "images": [str(one) for one in selected.images],
            "image": image.index,
            "order of axes": "scan fastest" if layout.transposed else "detector fastest",
            **({"channels": list(CHANNELS)} if image.data_type in PICTURES else {}),
        },
    )


def _sampling(image: Image, n_frames: int) -> tuple[tuple[tuple[int, ...], str], ...]:
    sampling = image.tree.group("ImageTags", "SI", "Acquisition", "Spatial Sampling")
    height, width = sampling.number("Height (pixels)"), sampling.number("Width (pixels)")
    fits = height * width == n_frames and height > 0
    return (((int(height), int(width)), "header: spatial sampling of the acquisition"),) if fits else ()
