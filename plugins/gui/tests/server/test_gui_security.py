"""Each row of the table of threats: what is refused, on HTTP and on the websocket."""

import re
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from lamella_gui.places import Places
from lamella_gui.security import Access
from server.conftest import RAW

if TYPE_CHECKING:
    from server.conftest import Client
else:
    Client = Any


@pytest.fixture(scope="module")
def scan(client: Client) -> str:
    return client.open("scan.raw", **RAW)


def refused(client: Client, scan: str, **changed: Any) -> bool:
    try:
        with client.socket(scan, **changed) as live:
            live.recv(5)
    except (InvalidHandshake, ConnectionClosed):
        return True
    return False


def test_without_the_cookie_nothing_is_shown(client: Client, scan: str) -> None:
    for path in (
        "/",
        "/open",
        f"/scan/{scan}",
        f"/scan/{scan}/state",
        "/static/gui/page.js",
        "/static/viewer/viewer.js",
    ):
        assert client.get(path, Cookie=None).status == 401, path
        assert client.get(path, Cookie=f"{client.access.cookie}=guess").status == 401, path
    assert client.post("/demo", Cookie=None).status == 401
    assert refused(client, scan, cookie="")
    assert refused(client, scan, cookie=f"{client.access.cookie}=guess")


def test_a_token_is_valid_once_and_leaves_the_address(client: Client) -> None:
    token = client.access.new_token()
    first = client.get(f"/open?path=x&token={token}", Cookie=None)
    assert (first.status, first.headers["location"]) == (303, "/open?path=x")
    assert re.search(r"; HttpOnly; SameSite=Strict; Path=/$", first.headers["set-cookie"])
    assert client.get(f"/?token={token}", Cookie=None).status == 401
    assert client.get("/?token=guess", Cookie=None).status == 401


def test_the_address_after_a_token_stays_on_this_host(client: Client) -> None:
    for path in ("//evil.example/", "///evil.example", "/\\evil.example"):
        answer = client.get(f"{path}?token={client.access.new_token()}", Cookie=None)
        assert answer.status != 303 or re.match(r"/(?![/\\])", answer.headers["location"]), path


def test_many_wrong_tokens_are_refused_for_a_minute() -> None:
    now = [0.0]
    access = Access("lamella-1", clock=lambda: now[0])
    for _ in range(20):
        assert access.redeem("guess") is None
    assert access.is_blocked
    now[0] += 61
    assert not access.is_blocked


def test_the_name_of_the_cookie_carries_the_port(client: Client) -> None:
    assert client.cookie.startswith(f"lamella-{client.port}=")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", None])
def test_other_hosts_are_not_known(client: Client, scan: str, host: str | None) -> None:
    answer = client.get("/", Host=host)
    assert answer.status in (400, 421)
    assert refused(client, scan, host=host or "evil.example")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1", None])
def test_changes_need_the_right_origin(client: Client, scan: str, origin: str | None) -> None:
    for path in (
        "/open",
        "/demo",
        f"/scan/{scan}/close",
        f"/scan/{scan}/state",
        f"/scan/{scan}/refresh",
        "/check",
        "/bookmarks",
        "/workers",
        "/token",
    ):
        assert client.post(path, Origin=origin).status == 403, path
    assert refused(client, scan, origin=origin)
    assert client.get(f"/scan/{scan}").status == 200


def test_every_answer_carries_the_policy(client: Client, scan: str) -> None:
    paths = ["/", "/open", f"/scan/{scan}", f"/scan/{scan}/state", f"/scan/{scan}/information", "/static/gui/page.js"]
    answers = [client.get(path) for path in [*paths, "/no"]]
    answers += [client.get("/", Cookie=None), client.get("/", Host="evil.example")]
    answers.append(client.post("/check", {"path": "no"}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


def test_pages_hold_no_inline_script_or_style(client: Client, scan: str) -> None:
    for path in ("/", "/open", f"/open?path={client.folder.name}/scan.raw&format=raw", f"/scan/{scan}"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)


def test_a_body_that_is_too_long_is_refused(client: Client) -> None:
    assert client.post("/check", {"path": "x" * (300 << 10)}).status == 413
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as raw:
        head = f"POST /check HTTP/1.1\r\nHost: {client.host}\r\nCookie: {client.cookie}\r\nOrigin: http://{client.host}\r\n"
        raw.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".encode())
        assert b" 411 " in raw.recv(4096).partition(b"\r\n")[0]


def test_a_refused_request_with_a_body_ends_its_connection(client: Client) -> None:
    assert client.post("/check", {"path": "x"}, Origin=None).headers["connection"] == "close"


def test_a_message_that_is_too_long_ends_the_connection(client: Client, scan: str) -> None:
    with client.socket(scan) as live:
        live.send("x" * (70 << 10))
        with pytest.raises(ConnectionClosed):
            list(live)


def test_an_idle_connection_ends(client: Client, scan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamella_gui.live._IDLE", 0.2)
    with client.socket(scan) as live, pytest.raises(ConnectionClosed):
        live.recv(10)


def test_a_data_set_has_four_pages_at_most(client: Client, scan: str) -> None:
    with ExitStack() as pages:
        for _ in range(4):
            pages.enter_context(client.socket(scan)).ping().wait(5)
        assert refused(client, scan)


@pytest.mark.parametrize(
    "address",
    ["../secret.raw", "data/../../secret.raw", "/etc/passwd", "data/link.raw", "data/folder/x", "\0", "C:\\x"],
)
def test_what_lies_outside_is_absent(tmp_path: Path, address: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.raw").write_bytes(b"secret")
    (tmp_path / "data" / "link.raw").symlink_to(tmp_path / "secret.raw")
    (tmp_path / "data" / "folder").symlink_to(tmp_path)
    places = Places([tmp_path / "data"])
    assert places.find(address) is None
    assert [entry.name for entry in places.listing(tmp_path / "data")] == []


def test_absent_and_refused_paths_are_answered_alike(client: Client) -> None:
    outside, absent = (client.post("/check", {"path": path, "format": "raw"}) for path in ("/etc/passwd", "/no/such"))
    assert (outside.status, outside.body) == (absent.status, absent.body)
    assert outside.status == 404


def test_no_answer_holds_an_absolute_path(client: Client, scan: str) -> None:
    secret = str(client.folder.parent)
    address = f"{client.folder.name}/scan.raw"
    opening = ["/open", f"/open?path={client.folder.name}", f"/open?path={address}", f"/open?path={address}&format=mib"]
    paths = ["/", *opening, f"/scan/{scan}", f"/scan/{scan}/state", f"/scan/{scan}/information"]
    answers = [client.get(path) for path in paths]
    answers.append(client.post("/check", {"path": address, "format": "raw", "dtype": "nonsense"}))
    answers.append(client.post("/check", {"path": address, "format": "mib"}))
    answers.append(client.post("/open", {"path": address, "format": "raw", "nav_shape": "0"}))
    for answer in answers:
        assert secret not in answer.text


def test_hostile_names_are_text(fresh: Client) -> None:
    name = "\"><img src=x onerror=alert(1)>'.raw"
    (fresh.folder / "scan.raw").rename(fresh.folder / name)
    scan = fresh.open(name, **RAW)
    for path in (f"/open?path={fresh.folder.name}", "/", f"/scan/{scan}", f"/scan/{scan}/information"):
        page = fresh.get(path).text
        assert "<img" not in page
        assert "&lt;img" in page


def test_another_process_of_the_user_gets_a_token(client: Client) -> None:
    answer = client.post("/token", Authorization=client.access.secret, Cookie=None)
    assert client.get(f"/?token={answer.text}", Cookie=None).status == 303
    assert client.post("/token", Authorization="guess").status == 403
    assert client.post("/token", Authorization="guess", Cookie=None).status == 401
