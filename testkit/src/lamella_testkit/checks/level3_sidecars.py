"""Level 3, robust: files beside the main file that are missing, damaged, or lie elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lamella.errors import FormatError, ParameterError
from lamella.reader.caution import cautions
from lamella_testkit.audit import watch
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit
from lamella_testkit.mutate import name_kind, rewrite
from lamella_testkit.outcomes import Broken, NotHere
from lamella_testkit.robust import attempt
from lamella_testkit.sample import Sample
from lamella_testkit.zoo import foreign_files


def _with_sidecars(kit: Kit) -> Iterator[tuple[Sample, Path]]:
    """Give a fresh copy of each variant that has several files, for each file beside the main one."""
    some = False
    for variant in kit.sampler.variants:
        data = kit.data(variant=variant)
        for name in [path.relative_to(kit.written(data).directory) for path in kit.written(data).sidecars]:
            some = True
            place = kit.directory() / "inside"
            sample = kit.copy(kit.written(data), place)
            yield sample, place / name
    kit.needs(some, "the format has one file only")


@check(level=3, targets=("path",))
def missing_sidecars_are_survived(kit: Kit) -> None:
    """Without one of its files a scan is refused with the name of what is missing, or gives correct data.

    Where the sampler says by `promised` that others announce the file, opening without it warns: put a `Caution` into
    `notes` that says what was promised, what was found, and what was done.
    """
    for sample, path in _with_sidecars(kit):
        path.unlink()
        with kit.case(f"{sample.data}, without {path.name}"):
            found = attempt(kit, sample, sample.data)
            if found is not None and path.name in kit.sampler.promised(sample.data):
                kit.expect(cautions(found.info.notes), "it opens, and no Caution says that the file is missing")


@check(level=3, targets=("path",))
def damaged_sidecars_are_survived(kit: Kit) -> None:
    """Whatever stands in a sidecar leads to FormatError or to data, to nothing else."""
    seen: Counter[str] = Counter()
    for sample, path in _with_sidecars(kit):
        kind = name_kind(path)
        for name, content in kit.in_turn(list(foreign_files(kit.profile.some(20))), seen[kind]):
            rewrite(path, content)
            with kit.case(f"{sample.data}, {path.name} is {name}"):
                attempt(kit, sample)
        seen[kind] += 1
        path.unlink()
        path.mkdir()
        with kit.case(f"{sample.data}, {path.name} is a directory"):
            attempt(kit, sample)


@check(level=3, targets=("path",))
def sidecars_stay_in_their_directory(kit: Kit) -> None:
    """A file that names another one by `../`, an absolute path or a link cannot make the reader leave its directory.

    Files come from strangers. `probe.sibling(name)` gives the path if it is safe, and None otherwise.
    """
    kit.needs(not kit.sampler.sidecars_elsewhere, "the format allows files elsewhere")
    for sample, path in _with_sidecars(kit):
        outside = sample.directory.parent
        content = path.read_bytes()
        for name, target in _names_elsewhere(path.name, outside):
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
            for other in sample.files:
                before = other.read_bytes()
                if other == path or path.name.encode() not in before:
                    continue
                rewrite(other, before.replace(path.name.encode(), name.encode()))
                with kit.case(f"{sample.data}, {other.name} names {name!r} instead of {path.name!r}"):
                    _expect_inside(kit, sample)
                rewrite(other, before)
        path.unlink()
        elsewhere = outside / "elsewhere"
        elsewhere.write_bytes(content)
        try:
            path.symlink_to(elsewhere)
        except OSError as error:
            raise NotHere(f"links cannot be made here: {error}") from None
        with kit.case(f"{sample.data}, {path.name} is a link out of the directory"):
            _expect_inside(kit, sample)


def _names_elsewhere(name: str, outside: Path) -> Iterator[tuple[str, Path]]:
    """Give names that lead out of the directory, the first as long as the old one, and where they lead."""
    short = name[3:].lstrip(".-_ ") or "x"
    same_length = "../" + short.rjust(len(name) - 3, "x")
    yield same_length, outside / same_length[3:]
    yield f"../{name}", outside / name
    yield str(outside / name), outside / name
    yield f"..\\{name}", outside / name


def _expect_inside(kit: Kit, sample: Sample) -> None:
    home = sample.directory.resolve()
    with watch() as seen:
        try:
            source = kit.source(sample)
        except (FormatError, ParameterError, FileNotFoundError):
            source = None
    left = [path for path in seen.outside(sample.directory) if path.resolve().is_relative_to(home.parent)]
    if left:
        raise Broken(f"it opens {left[0].name}, which is in {left[0].resolve().parent.name!r}")
    for resource in () if source is None else source.resources:
        if not Path(resource.path).resolve().is_relative_to(home):
            raise Broken(f"pixels come from {resource.path}, outside the directory of the file")
