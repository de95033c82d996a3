"""The same computations for two libraries with the same names: everything built in, and UDFs as users write them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np


def results(context: Any, dataset: Any, library: SimpleNamespace) -> dict[str, Any]:
    """Give every result by ``udf or analysis/channel``.

    Parameters
    ----------
    context, dataset
        Of the library.
    library
        Its ``UDF`` classes by name, and its module ``masks``.
    """
    found: dict[str, Any] = {}
    nav, sig = tuple(dataset.shape.nav), tuple(dataset.shape.sig)
    roi = np.random.default_rng(1).random(nav) < 0.4
    for name, udf in _udfs(library, nav, sig).items():
        for part, region in (("", None), (" roi", roi)):
            result = context.run_udf(dataset=dataset, udf=udf, roi=region)
            found |= {f"{name}{part}/{key}": np.array(buffer.data) for key, buffer in result.items()}
    picked = context.run_udf(dataset=dataset, udf=library.PickUDF(), roi=roi)
    found["pick/intensity"] = np.array(picked["intensity"].data)
    found["map/result"] = np.array(context.map(dataset=dataset, f=np.max).data)
    for name, analysis in _analyses(context, dataset, library.masks, sig).items():
        for channel in context.run(analysis):
            found[f"{name}/{channel.key}"] = np.array(channel.raw_data)
    return found


def _udfs(library: SimpleNamespace, nav: tuple[int, ...], sig: tuple[int, ...]) -> dict[str, Any]:
    height, width = sig
    masks = library.masks
    stack = np.random.default_rng(2).random((5, *sig)).astype(np.float32)
    shifts = np.random.default_rng(3).integers(-3, 4, (int(np.prod(nav)), 2))
    per_frame = library.ApplyMasksUDF.aux_data(shifts, kind="nav", extra_shape=(2,), dtype=int)
    inner = masks.circular(width / 2, height / 2, width, height, 9)
    return {
        "sum": library.SumUDF(),
        "sum over detector": library.SumSigUDF(),
        "standard deviation": library.StdDevUDF(),
        "logarithmic sum": library.LogsumUDF(),
        "one mask": library.ApplyMasksUDF(mask_factories=[lambda: inner]),
        "five masks": library.ApplyMasksUDF(mask_factories=lambda: stack),
        "sparse masks": library.ApplyMasksUDF(mask_factories=lambda: stack * (stack > 0.8), use_sparse=True),
        "shifted masks": library.ApplyMasksUDF(mask_factories=lambda: stack, shifts=(2, -3)),
        "masks shifted per frame": library.ApplyMasksUDF(mask_factories=lambda: stack, shifts=per_frame),
        "radial bins": library.ApplyMasksUDF(
            mask_factories=lambda: masks.radial_bins(width / 2, height / 2, width, height, n_bins=7)
        ),
        "centre of mass": library.CoMUDF.with_params(),
        "centre of mass, all options": library.CoMUDF.with_params(
            cy=height / 2 + 1.5, cx=width / 2 - 2, r=20, ri=3, scan_rotation=33.0, flip_y=True, regression=1
        ),
        "centre of mass, mean subtracted": library.CoMUDF.with_params(regression=0),
        **_users(library.UDF, nav),
    }


def _users(base: Any, nav: tuple[int, ...]) -> dict[str, Any]:
    class MaximumUDF(base):  # type: ignore[misc]
        def get_result_buffers(self) -> Any:
            return {"maximum": self.buffer(kind="nav", dtype="float32")}

        def process_frame(self, frame: Any) -> None:
            self.results.maximum[:] = np.max(frame)

    class HistogramUDF(base):  # type: ignore[misc]
        def get_result_buffers(self) -> Any:
            return {
                "counts": self.buffer(kind="single", extra_shape=(32,), dtype="int64"),
                "rows": self.buffer(kind="nav", extra_shape=(3,), dtype="float64"),
            }

        def process_tile(self, tile: Any) -> None:
            self.results.counts[:] += np.histogram(tile, bins=32, range=(0, 4096))[0]
            self.results.rows[:] += self.params.weight[:, np.newaxis] * tile.sum(axis=(1, 2))[:, np.newaxis]

        def merge(self, dest: Any, src: Any) -> None:
            dest.counts[:] += src.counts
            dest.rows[:] = src.rows

    class SpectrumUDF(base):  # type: ignore[misc]
        def get_result_buffers(self) -> Any:
            return {
                "power": self.buffer(kind="nav", dtype="float32"),
                "mean": self.buffer(kind="sig", dtype="float32", use="result_only"),
                "total": self.buffer(kind="sig", dtype="float32", use="private"),
                "count": self.buffer(kind="single", dtype="int64", use="private"),
            }

        def process_partition(self, partition: Any) -> None:
            self.results.power[:] = np.abs(np.fft.fft2(partition)).mean(axis=(1, 2))
            self.results.total[:] += partition.sum(axis=0)
            self.results.count[:] += len(partition)

        def merge(self, dest: Any, src: Any) -> None:
            dest.power[:] = src.power
            dest.total[:] += src.total
            dest.count[:] += src.count

        def get_results(self) -> Any:
            return {"power": self.results.power, "mean": self.results.total / self.results.count}

    weight = np.linspace(0.5, 2, int(np.prod(nav)), dtype=np.float32)
    return {
        "a user's maximum": MaximumUDF(),
        "a user's histogram": HistogramUDF(weight=HistogramUDF.aux_data(weight, kind="nav", dtype="float32")),
        "a user's spectrum": SpectrumUDF(),
    }


def _analyses(context: Any, dataset: Any, masks: Any, sig: tuple[int, ...]) -> dict[str, Any]:
    height, width = sig
    return {
        "analysis sum": context.create_sum_analysis(dataset=dataset),
        "analysis point": context.create_point_analysis(dataset=dataset),
        "analysis disk": context.create_disk_analysis(dataset=dataset),
        "analysis disk, chosen": context.create_disk_analysis(dataset=dataset, cx=20, cy=25, r=8.5),
        "analysis ring": context.create_ring_analysis(dataset=dataset),
        "analysis masks": context.create_mask_analysis(
            factories=[lambda: masks.gradient_x(width, height), lambda: masks.gradient_y(width, height)],
            dataset=dataset,
        ),
        "analysis complex masks": context.create_mask_analysis(
            factories=[lambda: masks.gradient_x(width, height) + 1j], dataset=dataset
        ),
        "analysis centre of mass": context.create_com_analysis(dataset=dataset),
        "analysis centre of mass, all options": context.create_com_analysis(
            dataset=dataset, cx=20, cy=30, mask_radius=18, mask_radius_inner=4, flip_y=True, scan_rotation=-20.0
        ),
        "analysis radial Fourier": context.create_radial_fourier_analysis(dataset=dataset, n_bins=2, max_order=4),
        "analysis pick": context.create_pick_analysis(dataset=dataset, x=3, y=2),
    }
