"""Orphans: deployments that lie on hosts and that nobody here knows; told once, shown while they are there, never removed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.orphans import Place
from mgmt_ansible.control_plane.store.records import ActionRecord
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import MOST_ORPHANS, ORPHAN_PATTERN, HostOutcome, OrphanState
from mgmt_ansible.domain.reports import ResultReport

LOUD = frozenset(OrphanState) - {OrphanState.STOPPED}
"""States that somebody should look at; the other one is what deleted deployments leave behind."""

_NAMED = 5
_DATA_ROWS = 200


def take_orphans(tx: Transaction, action: ActionRecord, report: ResultReport, *, actor: str) -> None:
    """Take what a look at a whole environment found beside its deployments.

    What is a deployment here by now, in whatever environment, is none. Hosts that told nothing keep what they told before.
    """
    told = {host.host: _told(host) for host in report.hosts if host.orphans is not None}
    if not told:
        return
    known = tx.deployments.records(sorted({name for orphans in told.values() for name in orphans}))
    places = {
        Place(host, name): state
        for host, orphans in told.items()
        for name, state in orphans.items()
        if name not in known
    }
    fresh = tx.orphans.replace(action.environment_id, tuple(told), places, at=tx.now)
    tx.orphans.keep_only(action.environment_id, {host.host for host in report.hosts})
    loud = {place: places[place] for place in fresh if places[place] in LOUD}
    if loud:
        _append_found(tx, action, report, loud, actor=actor)


def _told(host: HostOutcome) -> dict[str, OrphanState]:
    orphans = (host.orphans or ())[:MOST_ORPHANS]
    return {one.deployment_id: one.state for one in orphans if re.match(ORPHAN_PATTERN + r"\Z", one.deployment_id)}


def _append_found(
    tx: Transaction,
    action: ActionRecord,
    report: ResultReport,
    found: Mapping[Place, OrphanState],
    *,
    actor: str,
) -> None:
    places = sorted(found)
    append_event(
        tx,
        type=deployment_events.ORPHANS_FOUND,
        environment_id=action.environment_id,
        action_id=action.id,
        run_id=tx.runs.newest_of(action.id),
        health=Health.WARNING,
        occurred_at=report.finished_at,
        title="Unknown deployments on hosts" if len(places) > 1 else "Unknown deployment on a host",
        message=f"{_named(places)}: nobody here knows {'them' if len(places) > 1 else 'it'}; nothing was done about it",
        actor=actor,
        data={
            "orphans": [
                {"host": place.host, "deployment_id": place.deployment_id, "state": found[place].value}
                for place in places[:_DATA_ROWS]
            ],
            "count": len(places),
        },
    )


def _named(places: Sequence[Place]) -> str:
    named = ", ".join(f"{place.deployment_id} on {place.host}" for place in places[:_NAMED])
    return named + (f" and {len(places) - _NAMED} more" if len(places) > _NAMED else "")
