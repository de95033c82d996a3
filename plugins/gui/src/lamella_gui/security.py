"""Who may ask: Host, Origin, token and cookie are checked before anything else; each answer carries strict headers."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

__all__ = ["Access", "Guard"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),  # no-referrer would make the origin of forms null
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
"""What every answer carries."""

LARGEST_BODY = 256 << 10
"""Bytes of a request at most."""
_FAILURES = 20
_MINUTE = 60.0
_WAITING_TOKENS = 16


class Access:
    """Tokens that are valid once, and the cookie that they become.

    Parameters
    ----------
    cookie
        Name of the cookie.
    clock
        Gives the time [s].
    """

    def __init__(self, cookie: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.cookie = cookie
        self.secret = secrets.token_urlsafe(32)
        """Lets another process of the same user ask for a token."""
        self._value = secrets.token_urlsafe(32)
        self._tokens: deque[str] = deque(maxlen=_WAITING_TOKENS)
        self._failures: deque[float] = deque(maxlen=_FAILURES)
        self._clock = clock

    def new_token(self) -> str:
        """Give a token of 256 bits that is valid once."""
        token = secrets.token_urlsafe(32)
        self._tokens.append(token)
        return token

    @property
    def is_blocked(self) -> bool:
        """Whether too many wrong tokens came within a minute."""
        return len(self._failures) == _FAILURES and self._clock() - self._failures[0] < _MINUTE

    def redeem(self, token: str) -> str | None:
        """Give the value of the cookie for a token; None if the token is wrong or was used."""
        for known in list(self._tokens):
            if hmac.compare_digest(known.encode(), token.encode()):
                self._tokens.remove(known)
                return self._value
        self._failures.append(self._clock())
        return None

    def admits(self, cookies: str) -> bool:
        """Whether the cookies of a request have the right one."""
        jar = SimpleCookie()
        try:
            jar.load(cookies)
        except CookieError:
            return False
        found = jar.get(self.cookie)
        return found is not None and hmac.compare_digest(found.value.encode(), self._value.encode())

    def knows_secret(self, given: str) -> bool:
        """Whether this is the secret of the process."""
        return hmac.compare_digest(given.encode(), self.secret.encode())


class Guard:
    """ASGI application that asks another one only for those who may ask.

    Parameters
    ----------
    app
        The application.
    access
        Who may ask.
    hosts
        The values of ``Host`` that are right, with the port; in lower case.
    prefix
        Path below which the application is reached, such as ``/user/ada/lamella``; empty for none.
    schemes
        Of origins.
    """

    def __init__(
        self, app: App, access: Access, hosts: Iterable[str], prefix: str = "", schemes: Iterable[str] = ("http",)
    ) -> None:
        self._app = app
        self._access = access
        self._hosts = frozenset(hosts)
        self._prefix = prefix
        self._origins = frozenset(f"{scheme}://{host}" for scheme in schemes for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or hand on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        refused = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            if refused is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 4000 + refused[0], "reason": refused[1]})
            return
        if refused is None and self._is_entry(scope):
            await self._enter(scope, headers, send)
        elif refused is None:
            await self._app(scope, _limited(receive), _with_headers(send))
        else:
            await _answer(send, *refused, has_body=scope["method"] not in ("GET", "HEAD"))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Give status and sentence if the request is refused."""
        if headers.get("host", "").lower() not in self._hosts:
            return 421, "This address is not known here. Use the address that lamella gui printed."
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        by_secret = _path(scope) == "/token" and self._access.knows_secret(headers.get("authorization", ""))
        if by_secret:
            return None
        if not reads and headers.get("origin", "").lower() not in self._origins:
            return 403, "Requests that change something must come from a page of this program."
        if not reads and scope["type"] == "http" and not headers.get("content-length", "").isdecimal():
            return 411, "A request must say how long it is."
        if int(headers.get("content-length") or 0) > LARGEST_BODY:
            return 413, f"A request has at most {LARGEST_BODY >> 10} KiB."
        if self._is_entry(scope):
            return (429, "Too many wrong tokens. Wait for a minute.") if self._access.is_blocked else None
        if not self._access.admits(headers.get("cookie", "")):
            return 401, "Open the address that lamella gui printed, or run lamella gui --show-url for a new one."
        return None

    def _is_entry(self, scope: Scope) -> bool:
        return scope["type"] == "http" and scope["method"] == "GET" and "token" in dict(_query(scope))

    async def _enter(self, scope: Scope, headers: dict[str, str], send: Send) -> None:
        """Exchange the token for the cookie, and lead on to the same address without it."""
        query = _query(scope)
        value = self._access.redeem(dict(query)["token"])
        if value is None and not self._access.admits(headers.get("cookie", "")):
            text = "This address was used before, or is wrong. lamella gui --show-url prints a new one."
            await _answer(send, 401, text)
            return
        rest = urlencode([(name, text) for name, text in query if name != "token"])
        location = f"{self._prefix}{_path(scope)}" + (f"?{rest}" if rest else "")
        more = [("location", location)]
        if value is not None:
            path = f"{self._prefix}/"
            more.append(("set-cookie", f"{self._access.cookie}={value}; HttpOnly; SameSite=Strict; Path={path}"))
        await _answer(send, 303, "", more)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope.get("query_string", b"").decode("latin-1"), max_num_fields=100)
    except ValueError:
        return []


def _path(scope: Scope) -> str:
    """Give the path below the prefix; never one that leads to another host."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    path = path.removeprefix(root) if root else path
    return "/" + urlsplit(path.lstrip("/\\")).path.lstrip("/\\")


async def _answer(
    send: Send, status: int, text: str, more: Iterable[tuple[str, str]] = (), *, has_body: bool = False
) -> None:
    """Answer with a sentence; after a refused request with a body the connection ends."""
    body = f"{text}\n".encode() if text else b""
    headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body))), *HEADERS, *more]
    if has_body:
        headers.append(("connection", "close"))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    fixed = {name.encode(): value.encode() for name, value in HEADERS}

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            others = [(name, value) for name, value in message.get("headers", []) if name.lower() not in fixed]
            message["headers"] = [*others, *fixed.items()]
        await send(message)

    return sending


def _limited(receive: Receive) -> Receive:
    """Hand on a body that is no longer than it may be, whatever its header said."""
    left = LARGEST_BODY

    async def receiving() -> MutableMapping[str, Any]:
        nonlocal left
        message = await receive()
        left -= len(message.get("body") or b"")
        return message if left >= 0 else {"type": "http.disconnect"}

    return receiving
