"""What every request passes before it is read: how many there are, the key, the size of its body, and its time."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .refusal import AFTER_S, Refused

OPEN = ("/health", "/live")  # need no key
WATCHED = (*OPEN, "/metrics")
READING_S = 30.0  # for a body to arrive, and for an answer to be taken beyond the time it may run


@dataclass(frozen=True)
class Limits:
    """`body_bytes` of a request, `tokens` of an answer, `seconds` that it may run; requests that run at once and
    that may wait."""

    body_bytes: int = 2**20
    tokens: int = 4096
    seconds: float = 600.0
    streams: int = 8
    waiting: int = 64

    @property
    def open(self) -> int:
        """Requests that may be open: those that run and wait, and more who are told that all is full, or still
        send."""
        return 4 * (self.streams + self.waiting) + 64


class Guards:
    """ASGI middleware. `keys`: any of these opens; none: no key is asked for."""

    def __init__(self, app: ASGIApp, limits: Limits, keys: Iterable[str] = ()) -> None:
        self._app, self._limits = app, limits
        self._keys = [key.encode() for key in keys]
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._open += 1
        try:
            await self._guarded(scope, receive, send)
        finally:
            self._open -= 1

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_room(scope)
            self._check_key(scope)
            body = await asyncio.wait_for(self._body(scope, receive), READING_S)
        except TimeoutError:
            await Refused(408, f"the body did not arrive within {READING_S:.0f} s").response()(
                scope, receive, send
            )
        except asyncio.CancelledError:  # the server ends while a body arrives
            await Refused(503, "the server is going down: try again").response()(scope, receive, send)
        except Refused as refused:
            await refused.response()(scope, receive, send)
        else:
            await self._answered(scope, _replayed(body, receive), send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Who does not take the answer is left; the server says so in a line of its log."""
        try:
            async with asyncio.timeout(self._limits.seconds + READING_S) as limit:
                await self._app(scope, receive, send)
        except TimeoutError:
            if not limit.expired():
                raise

    def _check_room(self, scope: Scope) -> None:
        """Who looks after the server is answered all the same."""
        most = self._limits.open
        if self._open > most and scope["path"] not in WATCHED:
            full = f"{most} requests are open, as many as this server takes"
            raise Refused(503, f"{full}: try again in {AFTER_S} s", None, "overloaded")

    def _check_key(self, scope: Scope) -> None:
        if not self._keys or scope["path"] in OPEN:
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        kind, _, key = given.partition(b" ")
        if kind.lower() != b"bearer" or not any(
            hmac.compare_digest(key.strip(), known) for known in self._keys
        ):
            raise Refused(401, "a key is needed: Authorization: Bearer KEY", None, "invalid_api_key")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        most, parts, size = self._limits.body_bytes, [], 0
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > most:
            raise _too_large(most)
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b""
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise _too_large(most)
            if not message.get("more_body", False):
                return b"".join(parts)


def _too_large(most: int) -> Refused:
    return Refused(413, f"the body is larger than {most:,} bytes")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`body` once, then whatever comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
