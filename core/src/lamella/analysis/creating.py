"""The part of a context that makes analyses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from lamella.analysis.com import CoMAnalysis
    from lamella.analysis.masks import DiskAnalysis, MasksAnalysis, PointAnalysis, RingAnalysis
    from lamella.analysis.radialfourier import RadialFourierAnalysis
    from lamella.analysis.simple import FramesAnalysis, PickAnalysis, StdAnalysis, SumAnalysis, SumSigAnalysis
    from lamella.dataset.dataset import DataSet
    from lamella.masks.stack import MaskFactories

__all__ = ["AnalysisMaker"]


class AnalysisMaker:
    """Methods ``create_*_analysis`` of a context; run what they give with `lamella.Context.run`."""

    def create_mask_analysis(
        self,
        factories: MaskFactories,
        dataset: DataSet,
        use_sparse: bool | None = None,
        mask_count: int | None = None,
        mask_dtype: DTypeLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> MasksAnalysis:
        """Sums over masks of one's own; see `lamella.udf.ApplyMasksUDF` for the parameters."""
        from lamella.analysis.masks import MasksAnalysis

        return MasksAnalysis(
            dataset,
            mask_factories=factories,
            use_sparse=use_sparse,
            mask_count=mask_count,
            mask_dtype=mask_dtype,
            preferred_dtype=dtype,
        )

    def create_com_analysis(
        self,
        dataset: DataSet,
        cx: float | None = None,
        cy: float | None = None,
        mask_radius: float | None = None,
        flip_y: bool = False,
        mask_radius_inner: float | None = None,
        scan_rotation: float = 0.0,
    ) -> CoMAnalysis:
        """Centre of mass as a vector field; see `lamella.analysis.com.CoMAnalysis`."""
        from lamella.analysis.com import CoMAnalysis

        return CoMAnalysis(dataset, cx, cy, mask_radius, flip_y, mask_radius_inner, scan_rotation)

    def create_radial_fourier_analysis(
        self,
        dataset: DataSet,
        cx: float | None = None,
        cy: float | None = None,
        ri: float | None = None,
        ro: float | None = None,
        n_bins: int | None = None,
        max_order: int | None = None,
        use_sparse: bool | None = None,
    ) -> RadialFourierAnalysis:
        """Fourier components of rings; see `lamella.analysis.radialfourier.RadialFourierAnalysis`."""
        from lamella.analysis.radialfourier import RadialFourierAnalysis

        return RadialFourierAnalysis(dataset, cx, cy, ri, ro, n_bins, max_order, use_sparse)

    def create_disk_analysis(
        self, dataset: DataSet, cx: float | None = None, cy: float | None = None, r: float | None = None
    ) -> DiskAnalysis:
        """Sum over a disk; see `lamella.analysis.masks.DiskAnalysis`."""
        from lamella.analysis.masks import DiskAnalysis

        return DiskAnalysis(dataset, cx, cy, r)

    def create_ring_analysis(
        self,
        dataset: DataSet,
        cx: float | None = None,
        cy: float | None = None,
        ri: float | None = None,
        ro: float | None = None,
    ) -> RingAnalysis:
        """Sum over a ring; see `lamella.analysis.masks.RingAnalysis`."""
        from lamella.analysis.masks import RingAnalysis

        return RingAnalysis(dataset, cx, cy, ri, ro)

    def create_point_analysis(self, dataset: DataSet, x: int | None = None, y: int | None = None) -> PointAnalysis:
        """One pixel of each frame; see `lamella.analysis.masks.PointAnalysis`."""
        from lamella.analysis.masks import PointAnalysis

        return PointAnalysis(dataset, x, y)

    def create_sum_analysis(self, dataset: DataSet, roi: object = None) -> SumAnalysis:
        """Sum of all frames, or of those in a region of interest."""
        from lamella.analysis.simple import SumAnalysis

        return SumAnalysis(dataset, roi=roi)

    def create_std_analysis(self, dataset: DataSet, roi: object = None) -> StdAnalysis:
        """Standard deviation over the scan, or over a region of interest."""
        from lamella.analysis.simple import StdAnalysis

        return StdAnalysis(dataset, roi=roi)

    def create_sumsig_analysis(self, dataset: DataSet) -> SumSigAnalysis:
        """Sum over the detector."""
        from lamella.analysis.simple import SumSigAnalysis

        return SumSigAnalysis(dataset)

    def create_frames_analysis(self, dataset: DataSet, roi: object = None) -> FramesAnalysis:
        """All frames, or those in a region of interest, one after the other."""
        from lamella.analysis.simple import FramesAnalysis

        return FramesAnalysis(dataset, roi=roi)

    def create_pick_analysis(
        self, dataset: DataSet, x: int, y: int | None = None, z: int | None = None
    ) -> PickAnalysis:
        """One frame; see `lamella.analysis.simple.PickAnalysis`."""
        from lamella.analysis.simple import PickAnalysis

        return PickAnalysis(dataset, x, y, z)
