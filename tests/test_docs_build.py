"""The documentation site builds without a warning."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    sphinx = ["uv", "run", "--isolated", "--no-default-groups", "--group", "docs", "sphinx-build"]
    build = subprocess.run(
        [*sphinx, "-W", "--keep-going", "-q", "-b", "html", "docs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0, build.stderr
    assert (tmp_path / "index.html").is_file()
