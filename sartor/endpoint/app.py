"""The HTTP application: /v1/models, /v1/completions, /v1/chat/completions, /metrics, /health, /live."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from ..version import VERSION
from .asked import ChatAsked, CompletionAsked
from .engine import Engine
from .guards import Guards, Limits
from .metrics import Metrics
from .refusal import Refused, invalid, unknown
from .respond import Served, respond
from .text import Tokenizer


@dataclass(frozen=True, eq=False)
class Service:
    """Everything the application needs. `log_text`: the log has prompts; `log_json`: its lines are objects."""

    model: str
    engine: Engine
    tokenizer: Tokenizer
    metrics: Metrics
    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = ()
    log_text: bool = False
    log_json: bool = False


def application(service: Service) -> FastAPI:
    # No pages that load scripts from elsewhere.
    app = FastAPI(title="sartor serve", version=VERSION, docs_url=None, redoc_url=None)
    served = Served(service.model, service.engine, service.tokenizer, service.limits, service.log_text)
    _errors(app)
    _about(app, service)
    refusals: dict[int | str, dict[str, Any]] = {
        code: {"description": text} for code, text in
        ((400, "The request is wrong; `error` says where."), (401, "A key is needed."), (404, "Another model."),
         (413, "The body is too large."), (429, "Too many wait."), (503, "Going down, or too many connections."),
         (504, "Too slow."))
    }  # fmt: skip

    @app.post("/v1/completions", responses=refusals)
    async def completions(asked: CompletionAsked, request: Request) -> Response:
        return await respond(served, asked, request)

    @app.post("/v1/chat/completions", responses=refusals)
    async def chat(asked: ChatAsked, request: Request) -> Response:
        return await respond(served, asked, request)

    app.add_middleware(Guards, limits=service.limits, keys=service.keys)
    return app


def _about(app: FastAPI, service: Service) -> None:
    card = {"id": service.model, "object": "model", "created": int(time.time()), "owned_by": "sartor",
            "max_model_len": service.engine.binary.memory.context}  # fmt: skip

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [card]}

    @app.get("/v1/models/{name:path}", responses={404: {"description": "No such model."}})
    async def model(name: str) -> dict[str, Any]:
        if name != service.model:
            raise Refused(404, f"model {name[:100]!r} is not served here", "model", "model_not_found")
        return card

    @app.get("/health", responses={503: {"description": "Going down."}})
    async def health() -> Response:
        if service.engine.draining:
            raise Refused(503, "going down")
        return Response()

    @app.get("/live", responses={503: {"description": "The chip's thread has ended."}})
    async def live() -> Response:
        if not service.engine.alive:
            raise Refused(503, "the chip's thread has ended: start the server again")
        return Response()

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _errors(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        return invalid(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        answer = unknown(error.status_code, request.method, request.url.path, str(error.detail)).response()
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> JSONResponse:
        return Refused(500, "a fault of the server; its log says where").response()
