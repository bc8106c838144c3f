"""Errors as OpenAI's API has them: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import re
from typing import Any

from fastapi.responses import JSONResponse

AFTER_S = 5  # when to try again, by Retry-After
PATHS = ("/v1/models", "/v1/completions", "/v1/chat/completions", "/health", "/live", "/metrics")
_KIND = re.compile(r"\[|^constrained-|^(str|int|list)$")  # pydantic's names of the kinds that a key may be


class Refused(Exception):
    """A request that is answered with `status`."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    def body(self) -> dict[str, Any]:
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(self.status, "")
        kind = kind or ("server_error" if self.status >= 500 else "invalid_request_error")
        # Halves of surrogate pairs are no text: JSON could not carry them.
        message = self.message.encode("utf-8", "replace").decode()
        return {"error": {"message": message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        headers = {"Retry-After": str(AFTER_S)} if self.status in (429, 503) else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, headers)


def invalid(errors: Any) -> Refused:
    """What pydantic found, without the value: it may be the user's text. Of the kinds that a key may be, the one that
    fits but for a limit says more than those that do not fit."""
    first = next((e for e in errors if not e["type"].endswith("_type")), errors[0])
    if first["type"] == "json_invalid":
        why = first.get("ctx", {}).get("error", "it ends too early")
        return Refused(400, f"the body is not JSON, at character {first['loc'][-1]}: {why}"[:500])
    if first["type"] == "missing" and first["loc"] == ("body",):
        return Refused(400, "the body is empty (a JSON object is needed)")
    place = ".".join(str(p) for p in first["loc"] if p != "body" and not _KIND.search(str(p))) or None
    if place is None and first["type"] == "model_attributes_type":
        return Refused(400, "the body is not a JSON object (is Content-Type: application/json sent with it?)")
    known = "is not supported here" if first["type"] == "extra_forbidden" else first["msg"]
    return Refused(400, f"{place or 'body'}: {known}"[:500], (place or "")[:200] or None)


def unknown(status: int, method: str, path: str, detail: str) -> Refused:
    """What is asked at an address, or in a way, that there is not."""
    if status == 404:
        return Refused(404, f"{path[:100]} is not here (there are {', '.join(PATHS)})")
    if status == 400:  # of the framework, which says no more
        detail = "the body cannot be read as JSON (UTF-8, not compressed, not too deep)"
    return Refused(status, f"{method[:20]} is not for {path[:100]}" if status == 405 else detail)
