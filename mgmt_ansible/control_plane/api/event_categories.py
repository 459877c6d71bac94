"""The vendor's categories of events as ours: its two wide ones are several of ours each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mgmt_ansible import errors
from mgmt_ansible.domain.event_filters import EventCategory

_WIDE: Mapping[str, tuple[EventCategory, ...]] = {
    "management": tuple(one for one in EventCategory if one is not EventCategory.MONITORING),
    "monitoring": (EventCategory.MONITORING,),
    "moderation": (EventCategory.MONITORING,),
}


def categories_named(words: Iterable[str]) -> tuple[EventCategory, ...]:
    """Return the categories of words, ours and the vendor's; InvalidRequestError for any other."""
    found: list[EventCategory] = []
    for word in words:
        if word not in _WIDE and word not in set(EventCategory):
            known = ", ".join((*_WIDE, *EventCategory))
            raise errors.InvalidRequestError(f"eventCategory: one of {known}")
        found += _WIDE.get(word) or (EventCategory(word),)
    return tuple(dict.fromkeys(found))
