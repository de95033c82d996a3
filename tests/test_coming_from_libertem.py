"""The page 'Coming from LiberTEM' is true: its places are those of the code, and a test holds each of its lines.

What the page shows in code is run by `test_readme.py`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
import lamella.masks
import lamella.plot
import lamella.reader
import lamella.udf
from lamella.analysis import AnalysisResult, AnalysisResultSet
from lamella.corrections import Corrections
from lamella.errors import CancelledRun, FormatError, LamellaError, ParameterError, PluginError, UDFError
from lamella.opening.scripts import _CHOSEN, _GONE, _OLD_NAMES
from lamella.udf import UDF
from lamella_libertem.names import MODULES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "differences.md"
TABLES = ("Where things are", "The context", "UDFs", "Built-in UDFs and analyses", "Masks", "Reading and tiling")
DATA = np.random.default_rng(4).integers(0, 50, (4, 5, 6, 7)).astype(np.uint16)


def section(title: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    assert f"\n## {title}\n" in text
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The rows of a table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


# Places of arguments.

HOMES: tuple[Any, ...] = (lamella, lamella.udf, lamella.masks, lamella.reader, lamella.plot)
OTHERS = {"Corrections": Corrections, "AnalysisResult": AnalysisResult}


def found(name: str) -> Callable[..., Any]:
    """The function, method or class that a row names."""
    first, _, rest = name.partition(".")
    home: Any = OTHERS.get(first) or next(getattr(home, first) for home in HOMES if first in home.__all__)
    thing: Callable[..., Any] = inspect.getattr_static(home, rest) if rest else home
    return thing.__func__ if isinstance(thing, staticmethod | classmethod) else thing


def by_place(thing: Callable[..., Any]) -> str:
    parameters = inspect.signature(thing).parameters.values()
    kinds = {inspect.Parameter.POSITIONAL_OR_KEYWORD: "", inspect.Parameter.VAR_POSITIONAL: "*"}
    names = [kinds[one.kind] + one.name for one in parameters if one.kind in kinds]
    return ", ".join(name for name in names if name not in ("self", "cls"))


@pytest.mark.parametrize("row", rows("Places of arguments"), ids=lambda row: row[0].strip("`"))
def test_arguments_have_the_places_that_the_page_says(row: list[str]) -> None:
    for name in re.findall(r"`([\w.]+)`", row[0]):
        assert by_place(found(name)) == row[1].strip("`").replace("none", ""), name


def test_the_page_names_each_older_parameter() -> None:
    text = section("Places of arguments")
    for old, new in _OLD_NAMES.items():
        assert f"`{old}`" in text
        assert re.search(rf"`{new}(=[^`]*)?`", text)
    assert all(f"`{name}`" in text for name in _GONE if name != "endianess")
    assert set(_CHOSEN) == {"tileshape", "target_size"}


# Each line has a test: one of those here, or one elsewhere, by its name.


@cache
def names_of_tests() -> frozenset[str]:
    paths = [path for part in ("tests", "*/tests", "plugins/*/tests") for path in ROOT.glob(f"{part}/**/test_*.py")]
    return frozenset(
        name
        for path in paths
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    )


def exists(*names: str) -> Callable[[], None]:
    """A check that public names exist."""

    def check() -> None:
        for name in names:
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name

    return check


def absent(thing: Any, *names: str) -> Callable[[], None]:
    """A check that something does not have attributes, or a function parameters, of these names."""

    def check() -> None:
        parameters = inspect.signature(thing).parameters if callable(thing) else {}
        assert [name for name in names if hasattr(thing, name) or name in parameters] == []

    return check


def errors_are_of_one_family() -> None:
    for error in (UDFError, CancelledRun, PluginError, ParameterError, FormatError):
        assert issubclass(error, LamellaError)


def parameters_of_partial_results_can_be_changed() -> None:
    from lamella.engine.iteration import Partials

    assert hasattr(Partials, "update_parameters")
    assert not hasattr(Partials, "update_parameters_experimental")


class LookingUDF(UDF):
    """Asks for what exists only while a partition is processed."""

    def get_result_buffers(self) -> Any:
        return {"n": self.buffer("nav")}

    def process_frame(self, frame: Any) -> None:
        self.results.n[:] = 1

    def merge(self, dest: Any, src: Any) -> None:
        with pytest.raises(UDFError, match="only while a partition is processed"):
            _ = self.meta.slice
        assert self.meta.coordinates.shape == (20, 2)
        dest.n[:] = src.n


def meta_has_no_slice_between_partitions() -> None:
    with lamella.Context.make_with("inline") as ctx:
        assert ctx.run_udf(lamella.open(DATA, "memory"), LookingUDF())["n"].data.all()


class WritingUDF(UDF):
    """Says whether its frames may be written."""

    def get_result_buffers(self) -> Any:
        return {"n": self.buffer("nav")}

    def process_frame(self, frame: Any) -> None:
        self.results.n[:] = frame.flags.writeable


def tiles_of_a_single_udf_may_be_read_only() -> None:
    with lamella.Context.make_with("inline") as ctx:
        as_stored, converted = (lamella.open(DATA.astype(dtype), "memory") for dtype in ("f4", "u2"))
        assert not ctx.run_udf(as_stored, WritingUDF())["n"].data.any()
        assert ctx.run_udf(converted, WritingUDF())["n"].data.all()
        assert not ctx.run_udf(converted, [WritingUDF(), lamella.udf.SumUDF()])[0]["n"].data.any()


def a_deviation_has_no_parameters() -> None:
    assert not inspect.signature(lamella.udf.StdDevUDF).parameters


def three_scan_axes_have_a_point() -> None:
    with lamella.Context.make_with("inline") as ctx:
        ds = lamella.open(DATA.reshape(2, 2, 5, 6, 7), "memory")
        np.testing.assert_array_equal(
            ctx.run(ctx.create_point_analysis(ds, 3, 2)).intensity.raw_data,
            ds.shape.nav and DATA.reshape(ds.shape)[..., 2, 3],
        )


def dtypes_of_results_are_double() -> None:
    with lamella.Context.make_with("inline") as ctx:
        ds = lamella.open(DATA, "memory")
        assert ctx.run_udf(ds, lamella.udf.LogsumUDF())["logsum"].dtype == np.float64
        assert ctx.run_udf(ds, lamella.udf.CoMUDF())["field"].dtype == np.float64


def sums_outside_a_region_are_zero() -> None:
    roi = np.zeros((4, 5), bool)
    roi[1] = True
    with lamella.Context.make_with("inline") as ctx:
        ds = lamella.open(DATA, "memory")
        whole = ctx.run_udf(ds, lamella.udf.SumSigUDF(), roi)["intensity"]
        assert whole.data.dtype.kind in "iu"
        assert not whole.data[~roi].any()
        assert not whole.valid_mask[~roi].any()
        assert np.isnan(ctx.run_udf(ds, lamella.udf.SumSigUDF(dtype="float64"), roi)["intensity"].data[~roi]).all()


def differences_need_both_neighbours() -> None:
    with lamella.Context.make_with("inline") as ctx:
        ds = lamella.open(DATA, "memory", num_partitions=2)
        first = next(ctx.run_udf_iter(ds, lamella.udf.CoMUDF()))
        field, curl = first.buffers[0]["field"].data, first.buffers[0]["curl"].data
        known = first.damage.data
        assert not field[~known].any()
        assert np.isnan(curl[~known]).all()


def shapes_are_equal_as_tuples() -> None:
    assert lamella.reader.Shape((2, 3), (4, 5)) == lamella.reader.Shape((2,), (3, 4, 5)) == (2, 3, 4, 5)


def pictures_of_fields_have_an_opacity() -> None:
    with lamella.Context.make_with("inline") as ctx:
        assert ctx.run(ctx.create_com_analysis(lamella.open(DATA, "memory"))).field.visualized.shape == (4, 5, 4)


def no_opentelemetry() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "core" / "src").rglob("*.py"))
    assert "opentelemetry" not in sources.lower()


def tiles_and_partitions_have_these_sizes() -> None:
    from lamella.dataset import tiling

    assert (tiling.TILE_BYTES, tiling.MAX_TILE_BYTES, tiling.MIN_DEPTH) == (1 << 20, 2 << 20, 8)


HELD: dict[str, dict[str, str | Callable[[], None]]] = {
    "Where things are": {
        "`libertem.api.Context`": exists("lamella.Context"),
        "`libertem.udf.sumsigudf`": exists("lamella.udf.builtin.sumsig.SumSigUDF", "lamella.udf.SumSigUDF"),
        "`libertem.udf.base.NoOpUDF`": exists("lamella.udf.NoOpUDF"),
        "`libertem.common.Shape`, `Slice`": exists("lamella.reader.Shape", "lamella.udf.Slice"),
        "`libertem.common.buffers.BufferWrapper`": exists("lamella.udf.ResultBuffer"),
        "`libertem.common.container.MaskContainer`": "test_containers_give_the_kind_of_array_that_is_wanted",
        "`libertem.common.exceptions`": errors_are_of_one_family,
        "`libertem.executor.*`": "test_executors_are_made_with_the_known_arguments",
        "`libertem.udf.stddev.run_stddev`": "test_functions_that_run_one_udf",
        "`run_udf_iter(...).update_parameters_experimental`": parameters_of_partial_results_can_be_changed,
        "`libertem.corrections.coordinates`": "test_matrices_turn_and_flip",
    },
    "The context": {
        "default executor": "test_a_context_without_a_choice_computes_in_threads",
        "executor names": "test_a_pipeline_of_processes_is_called_processes",
        "`make_with(gpus=, main_process_gpu=, snooze_timeout=)`": absent(
            lamella.Context.make_with, "gpus", "main_process_gpu", "snooze_timeout"
        ),
        "`make_with(cpus=(0, 1))`": "test_workers_may_be_given_as_processors",
        "`load` with a class": "test_files_become_data_sets_of_their_class",
        "`get_dataset_cls`, `register_dataset_cls`, `get_extensions`": exists("lamella.default_registry"),
        '`load("auto")`': "test_two_that_are_about_equally_sure_are_ambiguous",
        "`io_backend` objects": "test_what_a_user_names_is_used_all_the_same",
        "`run_udf(backends=)`": absent(lamella.Context.run_udf, "backends"),
        "a failing UDF": "test_an_error_names_udf_partition_file_and_frame",
        "numbers of a run after it": "test_facts_about_a_run_stay_after_it",
        "results out of order": "test_floats_are_merged_in_the_order_of_the_scan",
        "empty list of UDFs": "test_no_udf_at_all_is_refused",
        "`sync=False`": "test_cancelling_the_waiting_task_cancels_the_run",
        "`plots=`": "test_a_plot_is_drawn_after_each_partition",
        "progress": "test_progress_counts_the_scan_positions_of_the_region",
        "`export_dataset`": "test_what_was_filled_is_recorded",
        "cancelling": "test_a_run_is_cancelled_from_another_thread",
        "tracing by OpenTelemetry, `preload` of modules on workers": no_opentelemetry,
    },
    "UDFs": {
        "missing frames": "test_what_was_not_computed_is_nan_or_zero",
        "partitions": "test_a_stretch_without_frames_takes_no_partition",
        '`missing="zero"`': "test_frames_of_zeros_in_place_of_missing_ones_are_computed_but_not_valid",
        "`process_partition` where frames were lost inside a partition": ("test_frames_may_be_lost_and_out_of_order"),
        "tiles and frames": tiles_of_a_single_udf_may_be_read_only,
        'auxiliary data of kind `"sig"` with `process_frame`': "test_a_frame_comes_with_its_own_entry_of_each_buffer",
        'no `merge` for other kinds than `"nav"`': "test_other_buffers_than_nav_need_a_merge",
        "arrays of the shape of the scan from `get_results`, under a region": (
            "test_results_may_have_the_shape_of_the_scan"
        ),
        "a flat region that is sparse": "test_a_region_may_be_flat",
        "`meta.slice` in `merge` and `get_results`": meta_has_no_slice_between_partitions,
        "`meta.coordinates` in `merge` and `get_results`": meta_has_no_slice_between_partitions,
        "undeclared result": "test_an_unknown_buffer_names_the_known_ones",
        "unknown buffer kind": "test_unknown_kinds_and_uses_are_refused",
        "`get_results` omits a result-only buffer": "test_results_made_at_the_end_must_be_made",
        "`merge_all`": "test_all_partitions_can_be_merged_at_once",
        "`copy_for_partition`, `cleanup`, `requires_custom_merge_all`": absent(
            UDF, "copy_for_partition", "cleanup", "requires_custom_merge_all"
        ),
        "shapes of the same axes, cut in another place": shapes_are_equal_as_tuples,
        "`get_backends`": "test_numpy_is_used_where_it_is_named",
        "`meta.device_class`, `array_backend`, `threads_per_worker`": "test_meta_knows_the_data_set_and_the_worker",
        "`process_rows`": "test_udfs_of_others_share_the_pass",
        "a UDF whose parameters do not make it again": "test_a_udf_that_cannot_be_made_again_is_refused",
    },
    "Built-in UDFs and analyses": {
        "`SumUDF`, `SumSigUDF`": "test_sums_come_in_another_dtype_where_asked",
        "`SumSigUDF` of whole numbers outside a region": sums_outside_a_region_are_zero,
        "`StdDevUDF(dtype, use_numba)`": a_deviation_has_no_parameters,
        "`LogsumUDF`, `CoMUDF`": dtypes_of_results_are_double,
        "`ApplyMasksUDF`": "test_masks_sum_in_the_dtype_that_is_asked_for",
        "`ApplyMasksUDF(use_torch=, backends=)`": absent(lamella.udf.ApplyMasksUDF, "use_torch", "backends"),
        "`ApplyMasksUDF(mask_factories=)`": "test_masks_may_be_given_in_many_ways",
        "`shifts=`": "test_masks_move_by_whole_pixels",
        "`AutoUDF(monitor=)`": absent(lamella.udf.AutoUDF, "monitor"),
        "functions for `map` that give a text, or lists of different lengths": "test_what_is_no_array_is_one_object",
        "`RecordUDF` with missing frames": "test_missing_frames_are_recorded_as_zeros",
        "`divergence` and `curl` in partial results": differences_need_both_neighbours,
        "`CoMUDF`, scan without two axes": "test_maps_need_two_scan_axes",
        "`CrystallinityUDF`, `FEMUDF`, the analyses FEM, CLUST, FFTSUM_FRAMES, PICK_FFT_FRAME, APPLY_FFT_MASK": absent(
            lamella.udf, "CrystallinityUDF", "FEMUDF"
        ),
        "`HoloReconstructUDF`": absent(lamella.udf, "HoloReconstructUDF"),
        "`SDAnalysis`, `SumSigAnalysis`": "test_standard_deviation",
        "`create_point_analysis`, three scan axes": three_scan_axes_have_a_point,
        "`AnalysisResult.visualized`": pictures_of_fields_have_an_opacity,
        "`AnalysisResultSet.results`, `raw_results`, `get_image(save_kwargs)`": absent(
            AnalysisResultSet, "results", "raw_results"
        ),
        "saving results": "test_results_are_saved_with_one_call",
    },
    "Masks": {
        "antialiased rings narrower than a pixel, `radial_bins` with many bins": (
            "test_radial_bins_cover_everything_once"
        ),
        "`radial_gradient(antialiased=True)`": "test_a_radial_gradient_rises_to_one",
        "`sparse_circular_multi_stack`": "test_many_circles",
        "sparse masks": "test_sparse_masks_can_be_indexed",
        "`use_sparse` of `radial_bins`": "test_radial_bins_have_edges_a_number_and_a_sum",
    },
    "Reading and tiling": {
        "tile size": tiles_and_partitions_have_these_sizes,
        "partitions": "test_partitions_hold_every_frame_once_and_begin_and_end_with_one",
        "smallest detector part, `adjust_tileshape`": "test_boxes_follow_the_blocks_of_the_source",
        "`CorrectionSet`": "test_a_run_can_go_without_the_corrections_of_a_data_set",
        "sparse data": "test_sums_of_events_are_exact",
        "GPU arrays, torch": "test_a_udf_for_other_arrays_is_refused",
        "dask arrays in and out, delayed executor, dask schedulers": "test_executors_of_dask_say_what_to_install",
        "transposed DM4": "test_the_scan_reads_back_as_it_was_written",
    },
}


@pytest.mark.parametrize("title", TABLES)
def test_each_line_of_the_page_has_a_test(title: str) -> None:
    assert [row[0] for row in rows(title)] == list(HELD[title])
    elsewhere = {held for held in HELD[title].values() if isinstance(held, str)}
    assert elsewhere <= names_of_tests()


CHECKS = {check.__name__ + line: check for lines in HELD.values() for line, check in lines.items() if callable(check)}


@pytest.mark.parametrize("name", CHECKS)
def test_the_line_is_true(name: str) -> None:
    CHECKS[name]()


@pytest.mark.parametrize("row", rows("Where things are"), ids=lambda row: row[0].strip("`"))
def test_names_on_the_page_exist(row: list[str]) -> None:
    for name in re.findall(r"`(lamella(?:\.\w+)+)`", row[1]):
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            try:
                thing: Any = importlib.import_module(".".join(parts[:cut]))
            except ModuleNotFoundError:
                continue
            for part in parts[cut:]:
                thing = getattr(thing, part)
            break
    for theirs in re.findall(r"`(libertem(?:\.\w+)+)`", row[0]):
        module, _, name = theirs.rpartition(".")
        assert theirs in MODULES or name in MODULES[module]
