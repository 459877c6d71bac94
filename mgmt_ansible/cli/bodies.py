"""Options -> the bodies that the API takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mgmt_ansible import errors

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import WireModel

_M = TypeVar("_M", bound="WireModel")


def checked(model: type[_M], **fields: object) -> _M:
    """Return a body; None values are left out.

    Raises:
        InvalidRequestError: A value is not acceptable; the message names the field.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        raise errors.InvalidRequestError(f"{'/'.join(str(part) for part in first['loc'])}: {first['msg']}") from exc
