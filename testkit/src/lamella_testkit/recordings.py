"""Real vendor files for samplers: each in a folder of its own, with what an independent reader found in it.

The environment variable ``LAMELLA_SAMPLES`` names the folder that holds them, as
``FORMAT/NAME/MAIN_FILE`` beside ``expected.npy`` (the pixels) and ``sample.json`` (``load``: keywords for
`lamella.open`; ``axes``: for each axis whether it navigates).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lamella_testkit.sample import Recorded

__all__ = ["recorded_files"]


def recorded_files(format: str, checksums: Mapping[str, str]) -> Iterator[Recorded]:
    """Give the real files of a format that are there; none if nobody said where to look.

    Parameters
    ----------
    format
        Name of the format.
    checksums
        SHA-256 of each main file, by ``NAME/MAIN_FILE``. It stands in the source, so that a file which was exchanged
        is noticed.
    """
    root = os.environ.get("LAMELLA_SAMPLES")
    for name, sha256 in checksums.items():
        path = Path(root or "", format, name)
        if root and path.is_file():
            described = path.with_name("sample.json")
            facts = json.loads(described.read_text(encoding="utf-8")) if described.is_file() else {}
            expected = np.load(path.with_name("expected.npy"))
            axes = facts.get("axes")
            if axes is not None and not any(axis["navigate"] for axis in axes):
                expected = expected[np.newaxis]  # a single frame is a scan of one position
            yield Recorded(path=path, sha256=sha256, expected=expected, keywords=facts.get("load") or {})
