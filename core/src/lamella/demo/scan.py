"""The synthetic scan: what each position of a film gives on the detector, written frame by frame to a block file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamella.demo.blockfile import BlockfileWriter, Setup
from lamella.demo.counting import Counter
from lamella.demo.crystal import WAVELENGTH, Reflections, reflections
from lamella.demo.specimen import grow

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DemoScan", "write_scan"]

FIELD = 400.0
"""Longer edge of the scanned field [nm]."""
FARTHEST = 1.15
"""Half the edge of the detector [1/Å]."""
CAMERA_LENGTH = 0.2
"""Distance of the screen [m]."""

_CONVERGENCE = 0.1  # radius of a disc [1/Å]
_BRIGHTEST = 165.0  # counts per pixel of the direct beam in the hole
_OFF_AXIS = (0.018, -0.026)  # where the direct beam hits, as a fraction of the detector's edge from its middle


@dataclass(frozen=True, slots=True)
class _Crystal:
    """One grain on this detector: its reflections, and one image of the detector for each thing that varies."""

    reflections: Reflections
    images: NDArray[np.float32]


class DemoScan:
    """A scan of a gold film, the same for the same arguments.

    Parameters
    ----------
    scan_shape
        Number of positions, slow axis first.
    detector
        Edge of the square detector [px].
    seed
        Chooses film and noise.
    """

    def __init__(self, scan_shape: tuple[int, int] = (180, 180), detector: int = 96, seed: int = 4) -> None:
        self.scan_shape = scan_shape
        self.detector = detector
        self._seed = seed
        rng = np.random.default_rng(seed)
        self.film = grow(scan_shape, rng)
        self._counter = Counter(_BRIGHTEST)
        grains = [reflections(rng, FARTHEST * np.sqrt(2)) for _ in range(self.film.n_grains)]
        common = self._common_images()
        self._crystals = [_Crystal(grain, np.concatenate([common, self._discs(grain)])) for grain in grains]

    @property
    def nbytes(self) -> int:
        """Size of all frames [bytes]."""
        return self.scan_shape[0] * self.scan_shape[1] * self.detector**2

    @property
    def setup(self) -> Setup:
        """What a header says about the scan."""
        pixel = 2 * FARTHEST * 1e10 / self.detector * CAMERA_LENGTH * WAVELENGTH * 1e-10
        return Setup(
            scan_shape=self.scan_shape,
            detector=self.detector,
            step=FIELD / max(self.scan_shape),
            beam_energy=200_000,
            camera_length=CAMERA_LENGTH,
            pixel=pixel,
            acquired=datetime(2024, 5, 17, 14, 30),
            note="Synthetic scan of a polycrystalline gold film, made by `lamella demo`\r\n",
        )

    def row(self, y: int) -> NDArray[np.uint8]:
        """Frames of one line of the scan, shape ``(nx, detector, detector)``."""
        rng = np.random.Generator(np.random.SFC64([self._seed, y]))
        expected = self.expected(y)
        return self._counter.count(expected, rng).reshape(-1, self.detector, self.detector)

    def expected(self, y: int) -> NDArray[np.float32]:
        """Expected counts of one line of the scan, shape ``(nx, detector * detector)``."""
        expected = np.empty((self.scan_shape[1], self.detector**2), dtype=np.float32)
        grains = self.film.grain[y]
        for grain in np.unique(grains):
            x = np.flatnonzero(grains == grain)
            crystal = self._crystals[grain]
            expected[x] = self._weights(crystal, y, x) @ crystal.images
        return expected

    def _weights(self, crystal: _Crystal, y: int, x: NDArray[np.intp]) -> NDArray[np.float32]:
        """How much of each image of a crystal the positions show, shape ``(len(x), n_images)``."""
        film = self.film
        cover = film.cover[y, x][:, None]
        discs = crystal.reflections.intensities(film.tilt[y, x]) * cover
        total = discs.sum(axis=1, keepdims=True)
        discs *= np.minimum(1, 0.75 / np.maximum(total, 1e-6))
        direct = (1 - discs.sum(axis=1, keepdims=True)) * (1 - 0.25 * cover)
        weights = np.concatenate([direct, direct * film.push[y, x], cover, discs], axis=1)
        weights *= np.float32(_BRIGHTEST)
        return weights

    def _common_images(self) -> NDArray[np.float32]:
        """Images of the direct beam, of its change when it is pushed along y and x, and of what scatters anywhere."""
        middle = np.zeros((1, 2))
        step = np.eye(2) * (0.5 * FARTHEST * 2 / self.detector)
        ahead, behind = self._disc_images(step), self._disc_images(-step)
        y, x = self._coordinates()
        angle2 = (y**2 + x**2) / 0.18**2
        diffuse = (0.02 / (1 + angle2) ** 1.5 + 4e-4).astype(np.float32)
        return np.concatenate([self._disc_images(middle), ahead - behind, diffuse.reshape(1, -1)])

    def _discs(self, grain: Reflections) -> NDArray[np.float32]:
        return self._disc_images(grain.g)

    def _disc_images(self, where: NDArray[np.float64]) -> NDArray[np.float32]:
        """Soft-edged discs around points (y, x) [1/Å], shape ``(n, detector * detector)``."""
        y, x = self._coordinates()
        softness = 1.2 * 2 * FARTHEST / self.detector
        images = np.empty((len(where), self.detector**2), dtype=np.float32)
        for image, (centre_y, centre_x) in zip(images, where, strict=True):
            distance = np.hypot(y - centre_y, x - centre_x)
            image[:] = np.clip((_CONVERGENCE - distance) / softness + 0.5, 0, 1).reshape(-1)
        return images

    def _coordinates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the pixels lie, from the direct beam [1/Å]."""
        pixel = 2 * FARTHEST / self.detector
        at = (np.arange(self.detector, dtype=np.float64) - (self.detector - 1) / 2) * pixel
        off_y, off_x = (2 * FARTHEST * part for part in _OFF_AXIS)
        return (at - off_y)[:, None], (at - off_x)[None, :]


def write_scan(
    path: Path, scan: DemoScan, *, workers: int = 2, progress: Callable[[int, int], object] = lambda done, total: None
) -> None:
    """Write a scan as a block file, line by line, holding a few lines in memory.

    Parameters
    ----------
    path
        The file; appears when it is complete.
    scan
        What to write.
    workers
        Number of threads that compute lines.
    progress
        Called with the number of frames done and of all, after each line.
    """
    with BlockfileWriter(Path(path), scan.setup) as writer:
        for y, frames in enumerate(_rows(scan, workers)):
            writer.write(frames)
            progress((y + 1) * len(frames), scan.scan_shape[0] * len(frames))


def _rows(scan: DemoScan, workers: int) -> Iterator[NDArray[np.uint8]]:
    """Give the lines in order, computed a few ahead."""
    with ThreadPoolExecutor(workers) as pool:
        ahead = [pool.submit(scan.row, y) for y in range(min(2 * workers, scan.scan_shape[0]))]
        for y in range(scan.scan_shape[0]):
            frames = ahead.pop(0).result()
            if y + 2 * workers < scan.scan_shape[0]:
                ahead.append(pool.submit(scan.row, y + 2 * workers))
            yield frames
