"""Categories of entries."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import CHANGING
from mgmt_ansible.domain.event_filters import EventCategory, categories_of
from mgmt_ansible.domain.health import Health

OURS = (
    *(value for name, value in vars(deployment_events).items() if name.isupper() and isinstance(value, str)),
    *(
        deployment_events.action_event_type(kind, phase)
        for kind in CHANGING
        for phase in ("started", "succeeded", "failed")
    ),
    *(deployment_events.health_event_type(health) for health in Health if health is not Health.INFO),
)


@pytest.mark.parametrize("event_type", sorted(set(OURS)))
def test_each_of_our_types_is_of_one_category(event_type):
    """One without is found by no category, one of two is found twice."""
    assert 1 == len(categories_of(event_type))


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("monitoring.spooler_channel_red", (EventCategory.MONITORING,)),
        ("prediction_request.failed", (EventCategory.MONITORING,)),
        ("somebody.elses", ()),
    ],
)
def test_others_types_are_told_apart(event_type, expected):
    """By how they begin, as the vendor spells them."""
    assert expected == categories_of(event_type)
