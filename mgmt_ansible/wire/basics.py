"""`/api/v2`, in common: how its JSON is written, pages, errors, healths."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from mgmt_ansible.domain.health import Health

LABEL_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
"""No control characters, the C1 ones of terminals included, and nothing that turns the direction of text."""

NAME_PATTERN = r"^[A-Za-z0-9._@ -]+$"
"""Of users and tokens."""

_T = TypeVar("_T")


class WireModel(BaseModel):
    """camelCase outside, snake_case inside; either is read."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Page(WireModel, Generic[_T]):
    """The paging envelope: `next` and `previous` are URLs or null."""

    count: int
    total_count: int
    next: str | None = None
    previous: str | None = None
    data: list[_T]


class Version(WireModel):
    """`GET version/`: the API version that the vendor's clients check, and ours."""

    version_string: str
    major: int
    minor: int
    mgmt_ansible_version: str


class HealthStatus(WireModel):
    """A health as the vendor shapes it."""

    status: Health
    message: str = ""
    start_date: datetime | None = None
    end_date: datetime | None = None


class Problem(WireModel):
    """Every error answer: a stable code, a sentence, and the request's id for the log."""

    code: str
    message: str
    request_id: str
