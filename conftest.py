"""Fixtures for every test of the repository."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real vendor files: `LAMELLA_SAMPLES`, or `shared/samples` beside the project."""
    folder = Path(os.environ.get("LAMELLA_SAMPLES") or ROOT.parent / "shared" / "samples")
    if not folder.is_dir():
        pytest.skip(f"no real files in {folder}; LAMELLA_SAMPLES names their folder")
    return folder
