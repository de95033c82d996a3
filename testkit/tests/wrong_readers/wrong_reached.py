"""Level 3: a part of the reader that no file of the sampler needs."""

from __future__ import annotations

from typing import Any

from wrong_readers.catalogue import mistake
from wrong_readers.toy_reader import ToyReader


@mistake(
    "frames with a header of 12 bytes, which the sampler never writes, lose a row",
    check="right_files_reach_the_reader",
    level=3,
)
class UnseenLayout(ToyReader):
    def sig_shape(self, header: Any) -> tuple[int, ...]:
        height, width = super().sig_shape(header)
        if int(header["frame_header"]) == 12:
            return height - 1, width
        return height, width
