"""What the tests write is read by PIMS in the same way."""

from pathlib import Path

import numpy as np
import pytest

from lamella.opening.open import open_dataset
from lamella_seq.conformance import SeqSampler
from lamella_testkit import SampleData

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("variant", ["padded", "unpadded", "old"])
@pytest.mark.parametrize("dtype", ["<u1", "<u2", "<u4"])
def test_pims_reads_what_the_sampler_writes(tmp_path: Path, dtype: str, variant: str) -> None:
    pims = pytest.importorskip("pims.norpix_reader")
    data = SampleData((3, 4), (5, 6), dtype, variant=variant)
    path = SeqSampler().write(tmp_path, data)["path"]
    theirs = pims.NorpixSeq(str(path))
    ours = open_dataset("auto", path, {})
    assert len(theirs) == data.n_frames
    for i in range(data.n_frames):
        np.testing.assert_array_equal(np.asarray(theirs[i]), ours[i])
        assert theirs.get_time_float(i) == pytest.approx(ours.per_frame("acquired")[i].astype(int) / 1e9, abs=1e-5)
