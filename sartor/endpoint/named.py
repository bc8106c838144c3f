"""What a request is called, and the line of the log when it has been answered."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("sartor.endpoint.requests")
HEADER = b"x-request-id"
_NAME = re.compile(rb"[\w.:-]{1,128}")  # nothing that a log or a header could stumble over


@dataclass
class About:
    """A request as the log says it; no text. `status` 0: nobody was there to be answered."""

    request_id: str
    client: str
    method: str
    path: str
    status: int = 0
    seconds: float = 0.0
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    _began: float = field(default_factory=time.monotonic, repr=False)

    def said(self) -> dict[str, Any]:
        self.seconds = round(time.monotonic() - self._began, 6)
        return {k: v for k, v in asdict(self).items() if v is not None and not k.startswith("_")}


def about(scope: Scope) -> About:
    """Of the request that `scope` is of."""
    found: About = scope["state"]["about"]
    return found


class Named:
    """ASGI, around all else: a request is called what its X-Request-Id says, else by chance, and whatever it is
    answered, a header says so. `told` hears of each that has ended."""

    def __init__(self, app: ASGIApp, told: Callable[[About], None]) -> None:
        self._app, self._told = app, told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = _new(scope)
        scope.setdefault("state", {})["about"] = one

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                one.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, one.request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            self._told(one)
            if LOG.isEnabledFor(logging.INFO):
                LOG.info("request", extra={"about": one.said()})


def _new(scope: Scope) -> About:
    given = dict(scope["headers"]).get(HEADER, b"").strip(b" \t")  # blanks around are no part of it
    name = given.decode() if _NAME.fullmatch(given) else uuid.uuid4().hex
    host = (scope.get("client") or ("",))[0]
    return About(name, host, scope["method"][:20], scope["path"][:200])


class Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage(),
                **getattr(record, "about", {})}  # fmt: skip
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_json() -> None:
    """From now on every line of the log is an object, and each request has one."""
    lines = logging.StreamHandler()
    lines.setFormatter(Json())
    root = logging.getLogger()
    root.handlers[:] = [lines]
    logging.getLogger("sartor.endpoint").setLevel(logging.INFO)
