"""The server: it binds, answers, and at the end finishes what runs."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ..errors import InputError
from .app import Service, application
from .guards import READING_S
from .named import Named, log_as_json

GRACE_S = 30.0  # for requests that run when the server is told to end
MOST_CONNECTIONS = 10_000
KEPT_S = 75  # a connection between two requests: longer than a load balancer keeps it, which is mostly 60 s
CLOSING_S = 5.0  # for their answers to be taken


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int, keys: tuple[str, ...]) -> socket.socket:
    """A listening socket. Beyond this machine only with a key."""
    if not is_loopback(host) and not keys:
        raise InputError(
            f"--host {host} can be reached from other machines: give a key "
            "(SARTOR_API_KEY, or --key-file), or serve on 127.0.0.1"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        raise InputError(f"{host}:{port}: cannot be served: {error} (try another --port)") from None


def connections() -> int:
    """That may be open: three quarters of the files that this process may have. Guards say no before, and better."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files * 3 // 4)


class Connection(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """One that asks nothing is closed after `silent_s`: it would hold a place that others need."""

    silent_s = READING_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(self.silent_s, self._close_silent)

    def _close_silent(self) -> None:
        if self.cycle is None:  # no request has begun
            self.transport.close()


class Server(uvicorn.Server):
    """At the first signal it takes no more requests (503) and ends when those that run are done, or after
    `grace_s`; at the second it ends now."""

    def __init__(self, service: Service, grace_s: float = GRACE_S) -> None:
        super().__init__(uvicorn.Config(
            Named(application(service), service.metrics.answered), log_level="warning", access_log=False, ws="none",
            lifespan="off", http=Connection, limit_concurrency=connections(), server_header=False,
            timeout_keep_alive=KEPT_S,
            timeout_graceful_shutdown=int(CLOSING_S), log_config=None if service.log_json else LOGGING_CONFIG,
        ))  # fmt: skip
        self._engine, self._grace_s = service.engine, grace_s
        self._told: float | None = None

    def stop(self) -> None:
        """As the first signal does; from any thread."""
        self._told = self._told or time.monotonic()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._told is not None:
            self.should_exit = True
        self.stop()

    async def on_tick(self, counter: int) -> bool:
        if self._told is not None:
            if not self._engine.draining:
                self._engine.drain()
            late = time.monotonic() > self._told + self._grace_s
            self.should_exit = self.should_exit or late or self._engine.idle
        if self.should_exit:
            self._engine.give_up()
        return await super().on_tick(counter)


def run(
    service: Service, sock: socket.socket, ready: Callable[[str], None], grace_s: float = GRACE_S
) -> None:
    """Serve on `sock` until told to end; `ready` is given the address."""
    host, port = sock.getsockname()[:2]
    if service.log_json:
        log_as_json()
    service.engine.start()
    ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    try:
        Server(service, grace_s).run(sockets=[sock])
    finally:
        service.engine.close()
