"""Errors as OpenAI's API has them: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

AFTER_S = 5  # when to try again, by Retry-After


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
    """What pydantic found first, without the value: it may be the user's text."""
    first = errors[0]
    place = ".".join(str(p) for p in first["loc"] if p != "body") or None
    known = "is not supported here" if first["type"] == "extra_forbidden" else first["msg"]
    return Refused(400, f"{place or 'body'}: {known}"[:500], (place or "")[:200] or None)
