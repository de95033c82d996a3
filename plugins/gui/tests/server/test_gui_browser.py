"""The pages in a real browser: dragging, picking, keys, forms, cut connections, and accessibility."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamella
from lamella.analysis import make_analysis
from server.conftest import RAW
from server.wire import Wire

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route, WebSocketRoute

    from server.conftest import Client

pytestmark = pytest.mark.browser


def enter(page: Page, client: Client, path: str = "/") -> None:
    page.goto(f"http://{client.host}{path}{'&' if '?' in path else '?'}token={client.access.new_token()}")


def wait(page: Page, expression: str, seconds: float = 20) -> Any:
    """Ask until the answer is true; `wait_for_function` does not run under the policy."""
    end = time.monotonic() + seconds
    while not (answer := page.evaluate(expression)):
        assert time.monotonic() < end, f"{expression}: {page.evaluate('document.body.innerText')}"
        time.sleep(0.02)
    return answer


def exact(page: Page, viewer: str, analysis: str) -> np.ndarray[Any, Any]:
    """Give the exact numbers that a picture shows."""
    is_exact = (
        f"(() => {{ const f = document.getElementById('{viewer}').frame;"
        f" return f && f.header.stage === 'exact' && f.header.analysis === '{analysis}' && f.header.id; }})()"
    )
    number = wait(page, is_exact)
    time.sleep(0.3)
    while (again := wait(page, is_exact)) != number:
        number = again
        time.sleep(0.3)
    pixels, shape = page.evaluate(
        f"(() => {{ const f = document.getElementById('{viewer}').frame; return [[...f.pixels], f.shape]; }})()"
    )
    return np.array(pixels).reshape(shape)


def state(client: Client, scan: str, analysis: str) -> dict[str, Any]:
    panels = client.get(f"/scan/{scan}/state").json["panels"]
    return next(one for one in panels if one["analysis"] == analysis)


def result(client: Client, scan: str, name: str, **parameters: Any) -> np.ndarray[Any, Any]:
    with lamella.Context() as context:
        raw = context.run(make_analysis(name, client.workspace.get(scan).dataset, **parameters))[0].raw_data
    return np.asarray(raw)


def middle(page: Page, viewer: str) -> tuple[float, float]:
    box = page.locator(f"#{viewer}").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5


@pytest.fixture
def scan(client: Client) -> Iterator[str]:
    opened = client.open("scan.raw", **RAW)
    yield opened
    client.post(f"/scan/{opened}/close")


def test_a_dragged_ring_gives_the_numbers_of_python(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    first = exact(page, "scan", "ring")
    handle = page.get_by_role("slider", name="Ring centre").bounding_box()
    assert handle is not None
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(12):
        page.mouse.move(x + 4 * i, y + 2 * i)
    page.mouse.up()
    dragged = exact(page, "scan", "ring")
    wait(page, "document.getElementById('stage').textContent === 'exact'")
    time.sleep(0.8)  # the page keeps its state a moment later
    parameters = state(client, scan, "ring")["parameters"]
    assert parameters["cx"] > 18
    assert page.locator("[data-form]:visible [name=cx]").input_value() == f"{parameters['cx']:.10g}"
    np.testing.assert_allclose(dragged, result(client, scan, "ring", **parameters), rtol=1e-6)
    assert not np.array_equal(first, dragged)


def test_a_click_shows_the_frame_of_the_position(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    page.mouse.click(*middle(page, "scan"))
    frame = exact(page, "detector", "pick")
    place = page.evaluate("document.getElementById('scan').position")
    np.testing.assert_array_equal(frame, client.workspace.get(scan).dataset[place["y"], place["x"]])
    page.keyboard.press("Shift+ArrowRight")
    wait(page, f"document.getElementById('scan').position.x === {min(47, place['x'] + 10)}")
    moved = exact(page, "detector", "pick")
    np.testing.assert_array_equal(moved, client.workspace.get(scan).dataset[place["y"], min(47, place["x"] + 10)])


def test_typed_numbers_move_the_handles_and_wrong_ones_are_told(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    box = page.locator("[data-form]:visible [name=ro]")
    box.fill("12.5")
    wait(page, "document.getElementById('detector').handles[0].radii[1].value === 12.5")
    box.fill("wide")
    wait(page, "[...document.querySelectorAll('[aria-invalid=true]')].some(e => e.name === 'ro')")
    box.fill("12")
    wait(page, "!document.querySelector('[aria-invalid=true]')")
    parameters = {**state(client, scan, "ring")["parameters"], "ro": 12.0}
    np.testing.assert_allclose(exact(page, "scan", "ring"), result(client, scan, "ring", **parameters), rtol=1e-6)


def test_a_region_gives_the_mean_pattern_of_its_positions(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "detector", "sum")
    page.get_by_role("toolbar", name="Scan tools").get_by_role("button", name="Rect").click()
    x, y = middle(page, "scan")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    region = wait(page, "document.getElementById('scan').region")
    page.get_by_role("button", name="Sum of frames", exact=False).first.click()
    page.locator("[data-form]:visible [data-region]").select_option("drawn")
    wait(page, "document.getElementById('detector').frame.header.frames < 1920")
    shown = exact(page, "detector", "sum")
    rows = slice(*(round(region[name]) for name in ("y0", "y1")))
    columns = slice(*(round(region[name]) for name in ("x0", "x1")))
    dataset = client.workspace.get(scan).dataset
    np.testing.assert_array_equal(shown, dataset[rows, columns].sum(axis=(0, 1), dtype=np.int64))
    page.get_by_label("Keep the region as").fill("grain 1")
    page.get_by_role("button", name="Keep", exact=True).click()
    wait(page, "document.getElementById('regions').innerText.includes('grain 1')")


def test_two_results_are_compared_with_the_same_zoom_and_colours(page: Page, client: Client, scan: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    page.get_by_role("button", name="Compare").click()
    assert page.get_by_label("Shown in the second picture").locator("option:checked").inner_text() == "Disk"
    disk = exact(page, "second", "disk")
    np.testing.assert_allclose(
        disk, result(client, scan, "disk", **state(client, scan, "disk")["parameters"]), rtol=1e-6
    )
    x, y = middle(page, "scan")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    wait(page, "(b => b[3] - b[1] < 30)(document.getElementById('second').box)")
    boxes = page.evaluate("['scan', 'second'].map(id => document.getElementById(id).box)")
    np.testing.assert_allclose(boxes[0], boxes[1], atol=4)  # the panes differ a little in size
    assert page.evaluate("document.getElementById('second').pointer !== null")
    page.get_by_label("same colours").check()
    look = "JSON.stringify(document.getElementById('{}').effective)"
    assert page.evaluate(look.format("scan")) == page.evaluate(look.format("second"))
    assert page.get_by_role("slider", name="Disk centre").count() == 1  # both detectors can be dragged
    page.mouse.click(*middle(page, "second"))
    frame = exact(page, "detector", "pick")
    place = page.evaluate("document.getElementById('second').position")
    np.testing.assert_array_equal(frame, client.workspace.get(scan).dataset[place["y"], place["x"]])
    page.get_by_label("Shown in the second picture").select_option(label="Fourier transform of the scan")
    wait(page, "document.getElementById('second').frame?.header.title.startsWith('Fourier')")
    time.sleep(0.8)  # the page keeps its state a moment later
    page.reload()
    wait(page, "document.getElementById('second').frame?.header.title.startsWith('Fourier')")
    page.locator("body").press("f")
    assert not page.locator("#second").is_visible()
    page.locator("body").press("f")
    wait(page, "document.getElementById('second').frame?.header.title.startsWith('Fourier')")
    page.get_by_role("button", name="Compare").click()
    assert not page.locator("#second").is_visible()


def test_a_file_opens_from_the_keyboard_alone(page: Page, client: Client) -> None:
    enter(page, client, f"/open?path={client.folder.name}/scan.raw&format=raw")
    page.locator("#form [name=dtype]").focus()
    page.keyboard.type("uint16")
    page.locator("[name='sig_shape.0']").first.focus()
    page.keyboard.type("32,32")
    details = page.locator("#form details summary")
    details.focus()
    page.keyboard.press("Enter")
    page.locator("[name='nav_shape.0']").focus()
    page.keyboard.type("256,9")
    wait(page, "document.querySelector('[data-count=missing]').textContent !== '0'")
    assert page.locator("[name='nav_shape.0']").input_value() == "256"
    assert page.locator("[name='nav_shape.1']").input_value() == "9"
    page.get_by_role("button", name="40 × 48", exact=True).focus()
    page.keyboard.press("Enter")
    wait(page, "document.querySelector('[data-count=missing]').textContent === '0'")
    assert page.locator("[name='nav_shape.1']").input_value() == "48"
    page.get_by_role("button", name="Open", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/scan/*")
    assert exact(page, "scan", "ring").shape == (40, 48)
    client.post(f"/scan/{page.url.rpartition('/')[2]}/close")


def test_wrong_values_are_told_at_their_field_while_somebody_types(page: Page, client: Client) -> None:
    enter(page, client, f"/open?path={client.folder.name}/scan.raw&format=raw")
    page.locator("#form [name=dtype]").fill("nonsense")
    wait(page, "document.querySelector('#form [name=dtype]').getAttribute('aria-invalid') === 'true'")
    assert "dtype" in page.locator("[data-field=dtype] [data-problem]").inner_text()
    page.locator("#form [name=dtype]").fill("uint16")
    wait(page, "document.querySelector('#form [name=dtype]').getAttribute('aria-invalid') === 'false'")


def test_answers_that_come_late_change_no_field(page: Page, client: Client) -> None:
    enter(page, client, f"/open?path={client.folder.name}/scan.raw&format=raw")

    def late(route: Route) -> None:
        time.sleep(0.2)
        route.continue_()

    page.route("**/check", late)
    page.locator("#form details summary").click()
    page.locator("[name='nav_shape.0']").focus()
    page.keyboard.type("256,562", delay=60)
    time.sleep(1)
    assert [page.locator(f"[name='nav_shape.{i}']").input_value() for i in (0, 1)] == ["256", "562"]


def test_a_shape_is_pasted_at_once(page: Page, client: Client) -> None:
    enter(page, client, f"/open?path={client.folder.name}/scan.raw&format=raw")
    page.locator("#form details summary").click()
    page.locator("[name='nav_shape.0']").focus()
    page.evaluate(
        "(() => { const data = new DataTransfer(); data.setData('text', '(40, 48)');"
        " document.activeElement.dispatchEvent(new ClipboardEvent('paste',"
        " {clipboardData: data, bubbles: true, cancelable: true})); })()"
    )
    assert [page.locator(f"[name='nav_shape.{i}']").input_value() for i in (0, 1)] == ["40", "48"]
    field = page.locator("[data-field=nav_shape]")
    field.get_by_role("button", name="one axis more").click()
    page.keyboard.type("1")
    assert page.locator("[name='nav_shape.2']").input_value() == "1"
    field.get_by_role("button", name="one axis less").click()
    assert page.locator("[name='nav_shape.2']").count() == 0


def test_the_page_comes_back_as_it_was(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    page.get_by_role("button", name="Disk", exact=False).first.click()
    exact(page, "scan", "disk")
    page.locator("#colours select").first.select_option("inferno")
    time.sleep(0.8)
    page.reload()
    exact(page, "scan", "disk")
    assert page.evaluate("document.getElementById('scan').settings.colours") == "inferno"


def test_a_cut_connection_comes_back(page: Page, client: Client, scan: str) -> None:
    connections: list[WebSocketRoute] = []

    def through(route: WebSocketRoute) -> None:
        route.connect_to_server()
        connections.append(route)

    page.route_web_socket(re.compile("/live$"), through)
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    connections[0].close(code=1001)
    end = time.monotonic() + 20
    while len(connections) < 2:
        assert time.monotonic() < end
        page.wait_for_timeout(20)
    wait(page, "document.getElementById('stage').textContent === 'exact'")
    page.get_by_role("button", name="Disk", exact=False).first.click()
    exact(page, "scan", "disk")


def test_a_page_whose_data_set_was_closed_elsewhere_says_so_and_asks_no_more(
    page: Page, client: Client, page_faults: list[str]
) -> None:
    scan = client.open("scan.raw", **RAW)
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    time.sleep(0.8)  # the page keeps its state a moment later
    client.post(f"/scan/{scan}/close")
    wait(page, "document.getElementById('stage').textContent.includes('not open any more')")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("[data-form]:visible [name=ro]").fill("12.5")
    time.sleep(0.8)
    assert asked == []
    page_faults.clear()  # that the last connection was refused


def test_a_page_whose_data_set_was_opened_again_elsewhere_shows_it_again(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    with page.expect_navigation():
        client.post(f"/scan/{scan}/reopen")
    exact(page, "scan", "ring")


def test_a_page_goes_on_after_the_server_was_started_again(
    page: Page, serve: Any, scan_file: Any, tmp_path: Path, page_faults: list[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    scan_file(folder)
    running = serve(folder, tmp_path / "home")
    client = next(running)
    scan = client.open("scan.raw", **RAW)
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    next(running, None)
    again = serve(folder, tmp_path / "home", client.port)
    client = next(again)
    wait(page, "document.getElementById('stage').textContent.includes('started again')")
    other = page.context.new_page()
    enter(other, client)
    other.close()
    wait(page, "document.getElementById('stage').textContent === 'exact'")
    page.get_by_role("button", name="Disk", exact=False).first.click()
    exact(page, "scan", "disk")
    page.close()
    page_faults.clear()  # that the server could not be reached
    next(again, None)


def test_a_recording_is_followed(page: Page, fresh: Client) -> None:
    path = fresh.folder / "scan.raw"
    content = path.read_bytes()
    path.write_bytes(content[: 900 * 2048])
    scan = fresh.open("scan.raw", **RAW)
    enter(page, fresh, f"/scan/{scan}")
    before = exact(page, "detector", "sum")
    page.get_by_label("follow the recording").check()
    with path.open("ab") as file:
        file.write(content[900 * 2048 :])
    wait(page, "document.getElementById('counts').textContent.startsWith('0 missing')")
    wait(page, "document.getElementById('detector').frame.header.frames === 1920")
    after = exact(page, "detector", "sum")
    assert after.sum() > before.sum()
    np.testing.assert_array_equal(after, np.frombuffer(content, "<u2").reshape(-1, 32, 32).sum(axis=0))
    path.write_bytes(content[: 10 * 2048])
    wait(page, "!document.getElementById('follow').checked")
    assert page.get_by_role("alert").filter(has_text="scan.raw").is_visible()


def test_code_and_results_are_taken_away(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    page.locator("[data-list=nav] .item").first.click()
    page.keyboard.press("Control+Shift+C")
    wait(page, "document.querySelector('#dialog-code [data-text]').textContent.includes('make_analysis')")
    names: dict[str, Any] = {}
    exec(page.locator("#dialog-code [data-text]").inner_text(), names)
    page.keyboard.press("Escape")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="npy", exact=True).click()
    saved = np.load(Path(waiting.value.path()))
    np.testing.assert_array_equal(saved, names["ring"].intensity.raw_data)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="PNG", exact=True).click()
    assert Path(waiting.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert waiting.value.suggested_filename == "Ring.png"


def test_a_data_set_is_exported_from_its_dialog(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    page.get_by_role("button", name="Export…").click()
    page.locator("#export-name").fill("from_page.npy")
    page.locator("#dialog-export").get_by_role("button", name="Export", exact=True).click()
    wait(page, "document.querySelector('#dialog-export [data-said]').textContent.includes('from_page.npy')")
    copied = np.load(io.BytesIO((client.folder / "from_page.npy").read_bytes()))
    np.testing.assert_array_equal(copied, client.workspace.get(scan).dataset[:])


def test_the_dialog_says_what_to_install_for_a_format_that_is_known(
    page: Page, client: Client, without_blo: None
) -> None:
    (client.folder / "film.blo").write_bytes(b"IMGBLO" + bytes(2000))
    enter(page, client, f"/open?path={client.folder.name}")
    page.get_by_role("link", name="film.blo").click()
    assert "no installed format recognises" in page.get_by_role("alert").inner_text()
    assert page.get_by_text("pip install lamella-blo", exact=True).is_visible()
    assert page.get_by_text("Its plugin is not installed").is_visible()
    assert page.get_by_role("row", name="mib").is_visible()  # why it is none of the others
    assert broken_rules(page) == []


def broken_rules(page: Page) -> list[str]:
    """Give the rules of accessibility that a page breaks, each with a place."""
    import axe_playwright_python

    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html.slice(0, 120)))")
    return list(found)


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_pages_and_dialogs_are_accessible(page: Page, client: Client, scan: str, colours: Any) -> None:
    page.emulate_media(color_scheme=colours)
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    paths = [f"/scan/{scan}", "/", f"/open?path={client.folder.name}/scan.raw&format=raw", f"/scan/{scan}/information"]
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found[name] = broken_rules(page)

    for size in ((1440, 900), (720, 450)):  # the second is as 200 %
        page.set_viewport_size({"width": size[0], "height": size[1]})
        for path in paths:
            page.goto(f"http://{client.host}{path}")
            if path == paths[0]:
                exact(page, "scan", "ring")
            look(f"{path} {size[0]}")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"http://{client.host}{paths[0]}")
    exact(page, "scan", "ring")
    page.get_by_role("button", name="Compare").click()
    exact(page, "second", "disk")
    look("two pictures of the scan")
    for dialog in ("export", "code", "compute", "keys"):
        page.locator(f"[data-dialog={dialog}]").click()
        look(dialog)
        page.keyboard.press("Escape")
    assert {name: rules for name, rules in found.items() if rules} == {}


def test_keys_stop_a_run_and_show_the_list(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    page.locator("body").press("?")
    assert page.locator("#dialog-keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#dialog-keys").is_visible()
    page.locator("body").press("5")
    assert page.evaluate("document.querySelectorAll('.item[data-active]').length") == 1
    page.locator("body").press("a")
    assert page.evaluate("document.activeElement.id") == "add"


def tab_to(page: Page, what: str) -> None:
    """Go on with Tab until an element has the focus."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(f"(one => Boolean(one) && ({what}))(document.activeElement)"):
            return
    raise AssertionError(f"Tab does not reach {what}")


def test_a_whole_session_needs_only_the_keyboard(page: Page, client: Client, scan: str) -> None:
    enter(page, client, f"/scan/{scan}")
    exact(page, "scan", "ring")
    page.keyboard.press("Control+Shift+C")
    wait(page, "document.querySelector('#dialog-code [data-text]').textContent.includes('make_analysis')")
    page.keyboard.press("Escape")
    effective = "document.getElementById('scan').effective"
    tab_to(page, "one.id === 'scan'")
    before = page.evaluate(effective)
    for key in ("g", "c", "x"):
        page.keyboard.press(key)
    after = page.evaluate(effective)
    assert {name for name in before if before[name] != after[name]} >= {"scale", "colours", "range"}
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    exact(page, "detector", "pick")
    place = page.evaluate("document.getElementById('scan').position")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    wait(page, f"document.getElementById('scan').position.y === {min(39, place['y'] + 10)}")
    frame = exact(page, "detector", "pick")
    y, x = min(39, place["y"] + 10), place["x"] + 1
    np.testing.assert_array_equal(frame, client.workspace.get(scan).dataset[y, x])
    page.keyboard.press("+")
    assert page.evaluate("(b => b[3] - b[1])(document.getElementById('scan').box)") < 40
    page.keyboard.press("l")
    page.keyboard.press("Enter")
    wait(page, "document.getElementById('profile-title').textContent === 'Line profile'")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    wait(page, "document.getElementById('scan').region?.kind === 'rect'")
    tab_to(page, "one.closest('#colours') && one.localName === 'select' || one.id === 'colours'")
    saved: dict[str, bytes] = {}
    for kind in ("png", "tif", "npy", "ipynb"):
        tab_to(page, f"one.dataset.save === '{kind}'")
        with page.expect_download() as waiting:
            page.keyboard.press("Enter")
        saved[kind] = Path(waiting.value.path()).read_bytes()
    np.testing.assert_array_equal(np.load(io.BytesIO(saved["npy"])), frame)
    assert saved["png"][:8] == b"\x89PNG\r\n\x1a\n"
    assert saved["tif"][:2] in (b"II", b"MM")
    assert any("make_analysis" in "".join(cell["source"]) for cell in json.loads(saved["ipynb"])["cells"])
    added = page.get_by_role("button", name=re.compile("^Radial"))
    assert added.count() == 0
    page.keyboard.press("a")
    page.keyboard.type("Radial")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    added.wait_for()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_the_page_works_behind_a_prefix_and_a_unix_socket(page: Page, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "s"
    command = [sys.executable, "-m", "lamella", "gui", str(client.folder / "scan.raw"), "--format", "raw"]
    command += ["--dtype", "uint16", "--nav-shape", "40,48", "--sig-shape", "32,32"]
    command += ["--no-browser", "--no-session", "--socket", str(path), "--prefix", "user/me/lamella"]
    home = {**os.environ, "LAMELLA_GUI_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(command, env=home, text=True, stdout=subprocess.PIPE)
    assert server.stdout is not None

    def connected() -> socket.socket:
        plain = socket.socket(socket.AF_UNIX)
        plain.connect(str(path))
        return plain

    wire = Wire(connected, prefix="/user/me/lamella")  # a forwarded port, and a proxy that removes the prefix
    try:
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None
        page.goto(found.group().replace(":8123/", f":{wire.port}/"))
        first = exact(page, "scan", "ring")
        assert first.shape == (40, 48)
        page.locator("[data-form]:visible [name=ro]").fill("7.5")
        wait(page, "document.getElementById('detector').handles[0].radii[1].value === 7.5")
        assert not np.array_equal(exact(page, "scan", "ring"), first)
        page.get_by_role("link", name="Information").click()
        page.wait_for_url("**/user/me/lamella/scan/*/information")
        page.go_back()
        exact(page, "scan", "ring")
        page.goto("about:blank")
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()
        wire.close()
