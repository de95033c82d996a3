"""A newcomer's three tasks, with the lines of the README, in an empty environment that was made from wheels."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lamella.demo import DemoScan, write_scan
from lamella_testkit import SampleData
from lamella_testkit.samplers import sampler_named

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"

pytestmark = pytest.mark.slow


def lines_of(title: str, kind: str) -> str:
    """Give the first block of a kind after a place of the README."""
    found = re.search(rf"```{kind}\n(.*?)```", README.partition(title)[2], re.DOTALL)
    assert found is not None, title
    return found[1]


@dataclass(frozen=True)
class Newcomer:
    """A folder, and an environment in which only what was installed can be found."""

    folder: Path
    environment: Mapping[str, str]

    def type(self, line: str) -> str:
        """Run a line of a shell."""
        done = subprocess.run(
            line, shell=True, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    folder = tmp_path_factory.mktemp("newcomer")
    outside = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    wheels = folder / "wheels"

    def run(*command: str | Path, cwd: Path = folder) -> None:
        done = subprocess.run([str(one) for one in command], cwd=cwd, env=outside, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    run("uv", "build", "--all-packages", "--wheel", "--out-dir", wheels, cwd=ROOT)
    run(sys.executable, "-m", "venv", "venv")
    scripts = folder / "venv" / SCRIPTS
    wanted = ("lamella[all]", "lamella-testkit[pytest]", "hatchling", "editables")
    run(scripts / "python", "-m", "pip", "download", "-q", "--find-links", wheels, "--dest", wheels, *wanted)
    alone = {
        **outside,
        "PATH": os.pathsep.join((str(scripts), outside["PATH"])),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels.as_uri(),
        "PIP_QUIET": "1",
    }
    made = Newcomer(folder, alone)
    install = lines_of("From the first release on", "console").splitlines()[0]
    assert install == 'pip install "lamella[all]"'
    made.type(install)
    return made


def test_a_file_of_ones_own_is_looked_at(newcomer: Newcomer) -> None:
    data = SampleData((4, 6), (16, 16), "<u2", variant=sampler_named("mib")().variants[0])
    sampler = sampler_named("mib")()
    data = sampler.fit(data)
    own = newcomer.folder / "own"
    own.mkdir()
    path = Path(sampler.write(own, data)["path"])
    for line in lines_of("**Look at a file.**", "console").splitlines():
        told = newcomer.type(line.replace("scan.blo", f'"{path}"'))
        assert path.stem in told
    assert list(newcomer.folder.glob("*-results/overview.png"))
    assert list(newcomer.folder.glob("*-report.html"))


def test_a_virtual_image_is_computed(newcomer: Newcomer) -> None:
    write_scan(newcomer.folder / "scan.blo", DemoScan((10, 12), detector=48))
    script = newcomer.folder / "script.py"
    text = lines_of("**Compute.**", "python")
    script.write_text(f"{text}\nprint(bright_field.shape, bright_field.min() > 0)\n", encoding="utf-8")
    assert newcomer.type("python script.py").splitlines()[-1] == "(10, 12) True"


def test_a_plugin_is_written_and_installed(newcomer: Newcomer) -> None:
    newcomer.type('pip install "lamella-testkit[pytest]"')
    newcomer.type(lines_of("**Write a plugin.**", "console").strip())
    newcomer.type("pip install --editable lamella-mycamera")
    assert "mycamera" in newcomer.type("lamella formats mycamera")
    newcomer.type("lamella conformance mycamera --level 1 --profile brief")
