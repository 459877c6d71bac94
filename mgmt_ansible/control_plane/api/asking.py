"""What routes ask of a request: who, which page of a list, which key; and how they answer long work and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Query, Request, Response

from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire.api_v2 import ActionAccepted, EventPage, Page, WireModel

_T = TypeVar("_T")
MOST_OFFSET = 10_000
"""Of the feed: to skip more takes longer than anybody should wait."""


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


Asking = Annotated[Principal, Depends(_principal)]
"""The principal of the request."""


def _asker(
    principal: Asking,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]+$")] = None,
) -> Asker:
    return Asker(actor=principal.name, idempotency_key=idempotency_key)


AskingFor = Annotated[Asker, Depends(_asker)]
"""Who asks for an action, with the request's `Idempotency-Key`."""


_Owned = TypeVar("_Owned", bound=WireModel)


def permitted(thing: _Owned, principal: Principal, *, changed_by: Role) -> _Owned:
    """Return a thing with `permissions`: what whoever asks may do with it.

    Args:
        thing: Has the field.
        principal: Who asks.
        changed_by: Least role that may change such a thing.
    """
    may = principal.role is not None and principal.role.covers(changed_by)
    words = ["CAN_VIEW", "CAN_EDIT", "CAN_DELETE"] if may else ["CAN_VIEW"]
    return thing.model_copy(update={"permissions": words})


def all_permitted(page: Page[_Owned], principal: Principal, *, changed_by: Role) -> Page[_Owned]:
    """Return a page of such things."""
    data = [permitted(thing, principal, changed_by=changed_by) for thing in page.data]
    return page.model_copy(update={"data": data})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Which part of a list."""

    limit: int
    offset: int
    request: Request

    def page(self, page: Page[_T]) -> Page[_T]:
        """Return a page with the addresses of its neighbours."""
        following = self.offset + page.count
        return page.model_copy(
            update={
                "next": self._url(following) if page.count and following < page.total_count else None,
                "previous": self._url(max(0, self.offset - self.limit)) if self.offset else None,
            }
        )

    def feed_page(self, page: EventPage) -> EventPage:
        """Return a page of the feed; the next one begins before its last entry, however much is added meanwhile."""
        more = page.count and self.offset + page.count < page.total_count
        url = self.request.url.remove_query_params("offset")
        return page.model_copy(
            update={
                "next": str(url.include_query_params(limit=self.limit, before=page.data[-1].sequence))
                if more
                else None,
                "previous": self._url(max(0, self.offset - self.limit)) if self.offset else None,
            }
        )

    def slice(self, items: Sequence[_T]) -> Page[_T]:
        """Return a page of a list that is short enough to be there as a whole."""
        data = list(items[self.offset : self.offset + self.limit])
        return self.page(Page(count=len(data), total_count=len(items), data=data))

    def _url(self, offset: int) -> str:
        return str(self.request.url.include_query_params(limit=self.limit, offset=offset))


def _slice(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Slice:
    return Slice(limit=limit, offset=offset, request=request)


Paging = Annotated[Slice, Depends(_slice)]
"""`limit` and `offset` of a list."""


def _slice_of_feed(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=MOST_OFFSET)] = 0,
) -> Slice:
    return Slice(limit=limit, offset=offset, request=request)


FeedPaging = Annotated[Slice, Depends(_slice_of_feed)]
"""The same of the feed, whose depths are reached by `before` only."""


def accepted(response: Response, answer: ActionAccepted) -> ActionAccepted:
    """Say where an accepted action can be followed."""
    if answer.action_id is not None:
        response.headers["Location"] = f"/api/v2/status/{answer.action_id}/"
    return answer
