"""The pictures of the documentation: each is what the pages show today.

``LAMELLA_PICTURES=1 pytest -m browser plugins/gui/tests/server/test_gui_pictures.py`` takes them again.
"""

import io
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from server.conftest import Client

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parents[4] / "docs" / "_static"


def wait(page: "Page", expression: str) -> None:
    end = time.monotonic() + 30
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.05)


def exact(*ids: str) -> str:
    return " && ".join(f"document.getElementById('{one}').frame?.header.stage === 'exact'" for one in ids)


def coarse(png: bytes) -> Any:
    """Give what is seen from afar: fonts and shades of another computer make no difference."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L").resize((32, 20), Image.Resampling.BOX), dtype=float)


def taken(page: "Page", name: str) -> None:
    """Compare the page with the picture of the documentation, or make that."""
    page.mouse.move(640, 2)
    time.sleep(0.4)
    png, path = page.screenshot(), FOLDER / f"{name}.png"
    if os.environ.get("LAMELLA_PICTURES"):
        small = io.BytesIO()
        Image.open(io.BytesIO(png)).convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(small, "png")
        path.write_bytes(small.getvalue())
    differ = np.abs(coarse(png) - coarse(path.read_bytes()))
    assert differ.mean() < 6, f"{name}.png is not what the page shows today; LAMELLA_PICTURES=1 takes it again"


def test_pictures_of_the_documentation_show_the_pages(page: "Page", fresh: "Client") -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    scan = fresh.post("/demo").headers["location"]
    page.goto(f"http://{fresh.host}{scan}?token={fresh.access.new_token()}")
    wait(page, exact("detector", "scan"))
    taken(page, "gui")
    page.get_by_role("button", name="Compare").click()
    wait(page, exact("second"))
    taken(page, "gui-compare")
    page.goto(f"http://{fresh.host}/open?path=demo/demo.blo")
    page.get_by_role("button", name="Preview").click()
    wait(page, "[...document.querySelectorAll('.previews img')].filter((one) => one.complete).length === 3")
    taken(page, "gui-open")
