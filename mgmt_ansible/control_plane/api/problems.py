"""Errors as answers: one table from error family to HTTP status, and one shape, `Problem`."""

from __future__ import annotations

import math

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mgmt_ansible import errors
from mgmt_ansible.wire.api_v2 import Problem

_log = structlog.get_logger(__name__)

HTTP_STATUS: tuple[tuple[type[errors.MgmtAnsibleError], int], ...] = (
    (errors.InvalidRequestError, 422),
    (errors.ForbiddenError, 403),
    (errors.TooManyRequestsError, 429),
    (errors.AccessError, 401),
    (errors.GoneError, 410),
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.StoreError, 503),
)
"""The first family that fits decides; anything else is 500."""

_CODES = {401: "access", 403: "forbidden", 404: "not_found", 409: "conflict", 503: "store_unavailable"}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}, 503: {"Retry-After": "5"}}
"""Source: RFC 9110, 15.5.2, and RFC 6585, 4; seconds."""
_BAD_JSON = frozenset({"json_invalid", "json_type"})
_FIRST_SERVER_ERROR = 500


def status_of(error: errors.MgmtAnsibleError) -> int:
    """Return the HTTP status of an error."""
    return next((status for family, status in HTTP_STATUS if isinstance(error, family)), 500)


def problem(request: Request, *, status: int, code: str, message: str) -> JSONResponse:
    """Return an error answer."""
    body = Problem(code=code, message=message, request_id=getattr(request.state, "request_id", ""))
    return JSONResponse(body.model_dump(by_alias=True), status_code=status, headers=_HEADERS.get(status))


def problem_of(request: Request, error: errors.MgmtAnsibleError) -> JSONResponse:
    """Return one of our errors as an answer; what is our fault is logged."""
    status = status_of(error)
    request.state.refusal = str(error)  # for the audit
    if status >= _FIRST_SERVER_ERROR:
        _log.error("request_failed", code=error.code, message=str(error), request_id=request.state.request_id)
    answer = problem(request, status=status, code=error.code, message=str(error))
    if isinstance(error, errors.TooManyRequestsError):
        answer.headers["Retry-After"] = str(math.ceil(error.seconds))
    return answer


def install_problems(app: FastAPI) -> None:
    """Answer every error of the routes with a `Problem`."""

    @app.exception_handler(errors.MgmtAnsibleError)
    def ours(request: Request, error: errors.MgmtAnsibleError) -> Response:
        return problem_of(request, error)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"]) or "body"
        status = 400 if first["type"] in _BAD_JSON else 422
        return problem(request, status=status, code="invalid_request", message=f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "invalid_request")
        return problem(request, status=error.status_code, code=code, message=str(error.detail))
