"""Forms: what pages post, and what is asked of it before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar
from urllib.parse import parse_qs

from fastapi import Depends, Request
from pydantic import ValidationError

from mgmt_ansible import errors
from mgmt_ansible.wire.basics import WireModel

LONGEST_FORM = 65_536
MOST_FIELDS = 600
_Body = TypeVar("_Body", bound=WireModel)


async def read_form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a small urlencoded form, each with its values in order.

    Raises:
        InvalidRequestError: It is too long, or has too many fields, to be one of ours.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            raise errors.InvalidRequestError("body: a form of this size is none of these pages'")
    try:
        return parse_qs(body.decode("utf-8", errors="replace"), max_num_fields=MOST_FIELDS)
    except ValueError as exc:
        raise errors.InvalidRequestError("body: a form with so many fields is none of these pages'") from exc


Form = Annotated[dict[str, list[str]], Depends(read_form)]
"""The fields of the form that a request brings."""


def last(form: Mapping[str, list[str]], name: str) -> str:
    """Return the last value of a field; empty when it is not there."""
    return form.get(name, [""])[-1]


def checked(model: type[_Body], fields: Mapping[str, object]) -> _Body:
    """Return the body that a form says; fields that are None are not given.

    Raises:
        InvalidRequestError: The message names the first field that does not fit, and never a value, which may be a secret.
    """
    try:
        return model.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        raise errors.InvalidRequestError(f"{where}: {first['msg']}") from exc


def same_site(request: Request) -> bool:
    """Tell whether a form was sent by one of our own pages (or by a program, which sends no such header).

    Source: Fetch Metadata Request Headers, W3C.
    """
    return request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def require_same_site(request: Request) -> None:
    """Refuse a form that another site sent; ForbiddenError."""
    if not same_site(request):
        raise errors.ForbiddenError("this form came from another site: open the page here, and send it from there")


def require_typed(form: Mapping[str, list[str]], word: str) -> None:
    """Refuse a form whose field `confirm` is not the word that had to be typed; InvalidRequestError."""
    if last(form, "confirm") != word:
        raise errors.InvalidRequestError(
            f"confirm: type {word} exactly, so that nothing is stopped or deleted by a slip"
        )
