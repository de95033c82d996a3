"""What a file promises and does not hold is a warning at the line of the user, in every format."""

import warnings
from pathlib import Path
from typing import Any

import pytest

import lamella
from lamella.errors import LamellaError, LamellaWarning
from lamella.format import Capability
from lamella.plugins.entrypoints import named_entry_points
from lamella.plugins.registry import default_registry
from lamella_testkit import SampleData
from lamella_testkit.samplers import GROUP, sampler_named

FORMATS = sorted(
    name
    for name in named_entry_points(GROUP)
    if (spec := default_registry().get(name).spec) is not None and Capability.TRUNCATED in spec.capabilities
)
TEXTS = {"mib": "sidecar", "frms6": "dark", "empad": "", "raw": "", "raw_csr": ""}
"""Formats with a text beside the frames, and a variant that has one where the first does not."""


def _opened(path: Any, **keywords: Any) -> tuple[lamella.DataSet | None, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            dataset = lamella.open(path, **keywords)
        except LamellaError:
            return None, []
    assert all(one.filename == __file__ for one in caught), "warnings point at the line of the user"
    return dataset, [str(one.message) for one in caught if issubclass(one.category, LamellaWarning)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_file_is_a_warning_that_says_what_was_found(tmp_path: Path, name: str) -> None:
    sampler = sampler_named(name)()
    data = sampler.fit(SampleData((3, 4), (8, 8), sampler.dtypes[0], bits=sampler.bits, variant=sampler.variants[0]))
    keywords = dict(sampler.write(tmp_path, data))
    path = keywords.pop("path")
    whole, said = _opened(path, **keywords)
    assert whole is not None
    last = Path(whole.source.resources[0].path)
    content = last.read_bytes()
    cut = last.stat().st_size - int(data.nbytes // data.n_frames * 1.5)
    last.write_bytes(content[:cut])
    found, warned = _opened(path, **keywords)
    if found is None:
        return  # an error is loud enough
    assert found.source.n_frames < whole.source.n_frames
    new = [text for text in warned if text not in said]
    assert any(str(found.source.n_frames) in text for text in new), new


@pytest.mark.parametrize("name", TEXTS)
def test_texts_beside_the_frames_may_have_a_byte_order_mark(tmp_path: Path, name: str) -> None:
    sampler = sampler_named(name)()
    variant = TEXTS[name] or sampler.variants[0]
    data = sampler.fit(SampleData((3, 4), (8, 8), sampler.dtypes[0], bits=sampler.bits, variant=variant))
    keywords = dict(sampler.write(tmp_path, data))
    path = keywords.pop("path")
    before, _ = _opened(path, **keywords)
    texts = [one for one in tmp_path.iterdir() if one.suffix in (".hdr", ".xml", ".json", ".toml")]
    if not texts and name == "raw":
        texts = [tmp_path / f"{Path(str(path)).name}.toml"]
        shape = ", ".join(map(str, data.sig_shape))
        texts[0].write_text(
            f'[params]\nfiletype = "raw"\ndtype = "{data.stored_dtype.str}"\nsig_shape = [{shape}]\n', encoding="utf-8"
        )
        keywords = {}
        before, _ = _opened(path)
    assert texts
    assert before is not None
    for one in texts:
        one.write_bytes(b"\xef\xbb\xbf" + one.read_bytes())
    after, warned = _opened(path, **keywords)
    assert after is not None
    assert (after.shape, after.metadata, warned) == (before.shape, before.metadata, [])


def test_a_sidecar_that_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "scan.raw").write_bytes(bytes(600))
    (tmp_path / "scan.raw.toml").write_text("[params\n")
    ds, warned = _opened(tmp_path / "scan.raw", format="raw", dtype="u1", sig_shape=(10, 10))
    assert ds is not None
    assert any("scan.raw.toml is left out: it is not TOML" in text for text in warned)


def test_a_scan_without_its_dark_frames_is_a_warning(tmp_path: Path) -> None:
    sampler = sampler_named("frms6")()
    data = sampler.fit(SampleData((3, 4), (8, 8), sampler.dtypes[0], bits=sampler.bits, variant="dark"))
    path = sampler.write(tmp_path, data)["path"]
    assert _opened(path)[1] == []
    dark = next(tmp_path.glob("*_000.frms6"))
    dark.unlink()
    ds, warned = _opened(path)
    assert ds is not None
    assert any("dark frames are missing" in text and dark.name in text for text in warned)
    assert _opened(path, subtract_dark=False)[1] == [], "who does not want them is not told"
