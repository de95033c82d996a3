"""The image of the scan that a file holds, where it shows the scan as it was opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet

__all__ = ["scan_image"]


def scan_image(dataset: DataSet) -> NDArray[Any] | None:
    """Give the image; None if there is none, or the data set has another scan shape or offset than the file says."""
    if dataset.frame_map.sync_offset != dataset.info.sync_offset:
        return None
    image = dataset.navigator()
    return None if image is None or image.shape != tuple(dataset.shape.nav) else image
