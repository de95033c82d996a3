"""Packages of UDFs that import ``libertem`` run unchanged, in an environment without LiberTEM."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
README = ROOT / "plugins" / "libertem" / "README.md"
MEMBERS = [ROOT / "core", ROOT / "plugins" / "memory", ROOT / "plugins" / "libertem"]

BLOBFINDER = """
from libertem.api import Context
from libertem.io.dataset.memory import MemoryDataSet
from libertem_blobfinder.base.utils import cbed_frame
from libertem_blobfinder.common.gridmatching import Matcher
from libertem_blobfinder.common.patterns import RadialGradient
from libertem_blobfinder.udf.correlation import run_blobfinder
from libertem_blobfinder.udf.refinement import run_refine

zero, a, b = np.array([64.5, 63.5]), np.array([27.2, 0.3]), np.array([-0.2, 29.1])
indices = np.concatenate(np.mgrid[-1:2, -1:2].T)
data, indices, peaks = cbed_frame(128, 128, zero, a, b, indices, 8)
scan = MemoryDataSet(data=np.repeat(data, 4, axis=0), num_partitions=2, sig_dims=2)
ctx = Context.make_with("threads", cpus=2)
pattern = RadialGradient(radius=8)
for correlation in ("fast", "sparse", "fullframe"):
    options = {"steps": 3} if correlation == "sparse" else {}
    result, _ = run_refine(
        ctx, scan, zero + 0.4, a + 0.3, b - 0.3, pattern, Matcher(), correlation=correlation, **options
    )
    np.testing.assert_allclose(result["zero"].data, np.tile(zero, (4, 1)), atol=0.5)
    np.testing.assert_allclose(result["a"].data, np.tile(a, (4, 1)), atol=0.3)
*_, found = run_blobfinder(ctx, scan, pattern, num_peaks=len(peaks))
assert len(found) == len(peaks)
"""

HOLO = """
from libertem.api import Context
from libertem.io.dataset.memory import MemoryDataSet
from libertem_holo.base.filters import disk_aperture, remove_dead_pixels
from libertem_holo.base.generate import hologram_frame
from libertem_holo.udf.reconstr import HoloReconstructUDF

size = 64
y, x = np.mgrid[:size, :size]
phase = 2 * np.exp(-((y - 32) ** 2 + (x - 32) ** 2) / 200)
holograms = np.stack([hologram_frame(np.ones((size, size)), phase * k) for k in (0, 1)])
scan = MemoryDataSet(data=holograms, num_partitions=2, sig_dims=2)
aperture = np.fft.fftshift(disk_aperture(out_shape=scan.shape.sig, radius=6.26))
udf = HoloReconstructUDF(out_shape=scan.shape.sig, sb_position=[11, 6], aperture=aperture)
wave = Context.make_with("inline").run_udf(dataset=scan, udf=udf)["wave"].data
inside = slice(16, 48)
np.testing.assert_allclose(np.angle(wave[1] / wave[0])[inside, inside], phase[inside, inside], atol=0.3)
image = np.random.default_rng(1).normal(100, 1, (size, size))
image[20, 30] = 1e5
assert remove_dead_pixels(image)[20, 30] < 200
"""

PTYCHOGRAPHY = """
from libertem.api import Context
from libertem.common.container import MaskContainer
from libertem.corrections.coordinates import identity
from libertem.executor.inline import InlineJobExecutor
from libertem.io.dataset.memory import MemoryDataSet
from ptychography40.reconstruction.common import wavelength
from ptychography40.reconstruction.ssb import SSB_UDF, generate_masks

shape = (12, 7, 47, 49)
data = np.random.default_rng(0).uniform(0, 1, shape) * np.linspace(1, 1000, 12 * 7 * 47 * 49).reshape(shape)
options = dict(
    lamb=wavelength(300), dpix=0.5654 / 50 * 1e-9, semiconv=25e-3, semiconv_pix=19.7, cy=23, cx=24,
    transformation=identity(),
)
masks = generate_masks(
    reconstruct_shape=shape[:2], mask_shape=shape[2:], dtype=np.float64, cutoff=1, method="subpix", **options
)
scan = MemoryDataSet(data=data, tileshape=(20, 47, 49), num_partitions=2, sig_dims=2)
ctx = Context(executor=InlineJobExecutor(debug=True, inline_threads=2))
udf = SSB_UDF(dtype=np.float64, method="subpix", **options)
result = ctx.run_udf(dataset=scan, udf=udf)
half = shape[0] // 2 + 1
sums = np.einsum("yxab,kab->yxk", data, masks.todense()).reshape(*shape[:2], half, shape[1])
spectrum = np.fft.fft2(sums, axes=(0, 1))
expected = np.array([[spectrum[i, j, i, j] for j in range(shape[1])] for i in range(half)])
np.testing.assert_allclose(result["fourier"].data[:half], expected, rtol=1e-6)
np.testing.assert_array_equal(udf.get_task_data()["masks"].computed_masks.todense(), masks.todense())
container = MaskContainer(lambda: masks, dtype=masks.dtype, use_sparse="scipy.sparse.csc", count=masks.shape[0])
again = ctx.run_udf(dataset=scan, udf=SSB_UDF(dtype=np.float64, mask_container=container, **options))
np.testing.assert_allclose(again["fourier"].data, result["fourier"].data)
roi = np.random.default_rng(3).choice([True, False], shape[:2])
parts = [ctx.run_udf(dataset=scan, udf=udf, roi=part)["fourier"].data for part in (roi, ~roi)]
np.testing.assert_allclose(sum(parts), result["fourier"].data, rtol=1e-6)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the packages, installed by the lines of the README."""
    if shutil.which("uv") is None:
        pytest.skip("uv, which makes the environment, is not installed")
    folder = tmp_path_factory.mktemp("packages") / "venv"
    lines = re.findall(r"^pip install (.*(?:--no-deps|numba).*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    alone, needed = (line.replace('"lamella[libertem]"', "").split() for line in lines)
    interpreter = folder / "bin" / "python"
    steps: list[list[object]] = [
        ["uv", "venv", "--quiet", folder],
        ["uv", "pip", "install", "--quiet", "--python", interpreter, *needed, "cloudpickle", "pluggy", "rich"],
        ["uv", "pip", "install", "--quiet", "--python", interpreter, "threadpoolctl", "importlib-metadata"],
        ["uv", "pip", "install", "--quiet", "--python", interpreter, *alone],
        ["uv", "pip", "install", "--quiet", "--python", interpreter, "--no-deps", *MEMBERS],
    ]
    for step in steps:
        done = subprocess.run([str(part) for part in step], cwd=folder.parent, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"the packages cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return interpreter


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", [BLOBFINDER, HOLO, PTYCHOGRAPHY], ids=["libertem-blobfinder", "libertem-holo", "ptychography40"]
)
def test_a_package_of_udfs_runs_unchanged(script: str, python: Path, tmp_path: Path) -> None:
    start = "import numpy as np\nimport lamella_libertem\n\nlamella_libertem.install()\n"
    (tmp_path / "script.py").write_text(start + textwrap.dedent(script))
    done = subprocess.run([python, "-W", "ignore", "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
