"""What every test of the repository shares."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent

# A busy machine is no reason to fail.
settings.register_profile("lamella", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lamella")


SAMPLES = Path(os.environ.get("LAMELLA_SAMPLES") or ROOT.parent / "shared" / "samples")
if SAMPLES.is_dir():  # samplers of the conformance kit look there too
    os.environ["LAMELLA_SAMPLES"] = str(SAMPLES)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real vendor files: `LAMELLA_SAMPLES`, or `shared/samples` beside the project."""
    if not SAMPLES.is_dir():
        pytest.skip(f"no real files in {SAMPLES}; LAMELLA_SAMPLES names their folder")
    return SAMPLES
