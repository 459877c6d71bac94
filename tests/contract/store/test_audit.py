"""The audit: an entry in the transaction of each change, and none of what was undone."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.audit import Audit
from mgmt_ansible.control_plane.current_request import CurrentRequest, serving
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain.audit import AuditHead
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import audit as shapes
from tests.contract.store.sites import Site

EVERYTHING = shapes.AuditFilters()
PASSWORD = "correct horse battery"


def newest(site: Site, count: int = 1) -> list[shapes.AuditEntry]:
    return site.services.audit.list_entries(EVERYTHING, limit=count).data


def asked(action: str = "POST deployments/", **more: str) -> CurrentRequest:
    return CurrentRequest(actor="ann", role="deployer", action=action, request_id="r1", address="10.0.0.1", **more)


def test_a_change_says_who_what_where_and_by_which_request(site: Site):
    """The request at hand, and what the service says of it."""
    with serving(asked()):
        action = site.create("d1")

    (entry,) = newest(site)
    assert ("ann", "deployer", "POST deployments/", "done") == (entry.actor, entry.role, entry.action, entry.outcome)
    assert ("deployment", "d1", site.environment.id) == (entry.target_kind, entry.target_id, entry.environment_id)
    assert ("r1", "10.0.0.1", site.clock()) == (entry.request_id, entry.address, entry.at)
    assert action in entry.summary
    assert "fraud 1" in entry.summary


def test_what_is_undone_leaves_no_entry(site: Site):
    """Both are one transaction; the request may tell of itself at its next."""
    before = site.services.audit.head()
    request = asked()

    with serving(request), pytest.raises(errors.NotFoundError):
        site.services.deployments.update("gone", api_v2.DeploymentPatch(label="x"))

    assert (before, False) == (site.services.audit.head(), request.noted)


def test_a_service_that_says_nothing_has_its_entry_all_the_same(site: Site):
    """With what the path names."""
    site.create("d1", launch=False)
    with serving(asked("PATCH deployments/{deployment_id}/", target_kind="deployment", target_id="d1")):
        site.services.deployments.update("d1", api_v2.DeploymentPatch(label="new"))

    (entry,) = newest(site)
    assert ("PATCH deployments/{deployment_id}/", "deployment", "d1") == (
        entry.action,
        entry.target_kind,
        entry.target_id,
    )


def test_a_request_of_many_writes_has_one_entry(site: Site):
    """In the first that was kept."""
    before = site.services.audit.head().sequence
    with serving(asked()):
        site.services.deployment_events.newest_sequence()
        for _ in range(3):
            with site.store.write():
                pass

    assert before + 1 == site.services.audit.head().sequence


def test_agents_and_periodic_work_leave_no_entries(site: Site):
    """Their record is the feed."""
    site.create("d1")
    before = site.services.audit.head()

    site.run()

    assert before == site.services.audit.head()


def test_sign_ins_are_told_and_refused_ones(site: Site):
    """Of a name that nobody has, the name is not told: people type passwords there."""
    site.services.users.create_user(api_v2.UserIn(name="Ann", role=Role.VIEWER, password=PASSWORD))
    sign_in = site.services.sign_ins.with_password
    sign_in("ann", PASSWORD, address="10.0.0.1")
    for name in ("ann", "hunter2-hunter2"):
        with pytest.raises(errors.AccessError):
            sign_in(name, "wrong", address="10.0.0.2")

    unknown, wrong, fine = newest(site, 3)
    assert ("sign_in", "done", "Ann", "viewer") == (fine.action, fine.outcome, fine.actor, fine.role)
    assert ("refused", "Ann", "10.0.0.2") == (wrong.outcome, wrong.actor, wrong.address)
    assert ("refused", "unknown name", "") == (unknown.outcome, unknown.actor, unknown.target_id)


def test_no_secret_is_in_the_audit(site: Site):
    """No password, token, session or login code."""
    access = site.services.access
    site.services.users.create_user(api_v2.UserIn(name="Ann", role=Role.ADMIN, password=PASSWORD))
    token = access.create_token(name="ci", kind="user").token or ""
    link = access.create_login_link(access.authenticate(f"Bearer {token}"))
    secrets = [PASSWORD, token, link.path.partition("=")[2]]
    secrets += [
        site.services.sign_ins.with_link(secrets[2], address="x"),
        site.services.sign_ins.with_password("Ann", PASSWORD, address="x"),
    ]

    text = "".join(shapes.written(site.services.audit.entries()))

    assert "Ann" in text
    assert [] == [secret for secret in secrets if secret in text]


def test_the_chain_is_whole_after_the_feed_was_pruned(site: Site):
    """And says that it was; no entry of the audit goes with it."""
    for number in range(3):
        site.ready(f"d{number}")
    entries = site.services.audit.head().sequence
    site.clock.pass_seconds(400 * 86_400)

    pruned = site.services.retention.prune(actor="ann")

    assert pruned.entries > 0
    assert site.services.audit.verify().whole
    assert ("retention_prune", entries + 1) == (newest(site)[0].action, newest(site)[0].sequence)


def test_entries_are_found_by_what_they_say(site: Site):
    """All that is asked must fit; page after page."""
    for number in range(5):
        with serving(asked()):
            site.create(f"d{number}", launch=False)
        site.clock.pass_seconds(60)
    found = site.services.audit.list_entries

    assert ["d2"] == [entry.target_id for entry in found(shapes.AuditFilters(actor="ann", target_id="d2")).data]
    assert [] == found(shapes.AuditFilters(actor="bob", target_id="d2")).data
    first = found(shapes.AuditFilters(actor="ann"), limit=2)
    second = found(shapes.AuditFilters(actor="ann"), before=first.older, limit=3)
    assert (["d4", "d3"], ["d2", "d1", "d0"]) == tuple([one.target_id for one in page.data] for page in (first, second))
    assert second.older is None


@pytest.mark.parametrize("kept", [lambda head: head, lambda head: AuditHead(hash=head.hash)])
def test_a_head_that_was_kept_is_looked_for(site: Site, kept):
    """With its number, or wherever it is; one that never was is not found."""
    head = site.services.audit.head()
    site.services.access.create_token(name="x", kind="user")

    assert site.services.audit.verify(kept=kept(head)).whole
    assert not site.services.audit.verify(kept=kept(AuditHead(sequence=head.sequence, hash="f" * 64))).whole


def test_refusals_between_two_entries_are_counted(site: Site):
    """One a minute for each person and route; the next entry says how many there were."""
    seconds = [0.0]
    audit = Audit(site.store, Wakeups(), monotonic=lambda: seconds[0])

    for _ in range(4):
        audit.refused(asked(), "needs the role admin")
    seconds[0] = 61.0
    audit.refused(asked(), "needs the role admin")

    assert ["needs the role admin; 3 more like it since the entry before", "needs the role admin"] == [
        entry.summary for entry in newest(site, 2)
    ]


def test_no_look_at_the_audit_holds_up_the_end(site: Site):
    """A chain of millions is not read to its end by a control plane that shuts down."""
    site.create()
    site.services.access.create_token(name="bob", kind="user")
    site.services.wakeups.stop()

    with pytest.raises(errors.StoreUnavailableError, match="shuts down"):
        site.services.audit.verify()
    with pytest.raises(errors.StoreUnavailableError, match="shuts down"):
        list(site.services.audit.entries())
