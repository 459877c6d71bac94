"""Who owns a deployment, over HTTP."""

from __future__ import annotations

from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site

PATH = "/api/v2/deployments/"


def make_user(site: Site, name: str, *, environment_id: str | None = None) -> str:
    scope = [environment_id] if environment_id else []
    body = api_v2.UserIn(name=name, role=Role.DEPLOYER, prediction_environment_ids=scope)
    return site.services.users.create_user(body).id


def ids(user, **query: object) -> list[str]:
    answer = user.get(PATH, params=query)
    assert 200 == answer.status_code, answer.text
    return [one["id"] for one in answer.json()["data"]]


def test_who_made_it_owns_it(site: Site, callers):
    """By a token of a user too, it is the user who does."""
    eve = make_user(site, "Eve")
    token = site.services.access.create_token(name="laptop", kind="user", role=Role.DEPLOYER, user_id=eve).token
    body = {
        "modelPackageId": site.package.id,
        "predictionEnvironmentId": site.environment.id,
        "label": "w",
        "deploymentId": "d2",
        "launch": False,
    }
    made = callers.nobody.post(f"{PATH}fromModelPackage/", json=body, headers={"Authorization": f"Bearer {token}"})
    assert 202 == made.status_code, made.text

    (owner,) = callers.user.get(f"{PATH}d2/").json()["owners"]["preview"]
    assert (eve, "Eve") == (owner["id"], owner["username"])
    assert ["d2"] == ids(callers.user, owner="eve") == ids(callers.user, createdBy="Eve")
    assert [] == ids(callers.user, createdByMe="true")


def test_a_deployment_is_given_to_somebody_else(site: Site, callers):
    """To a user or a service that sees it; who made it stays known, and the audit has it."""
    site.create("d1", launch=False)
    site.create("d2", launch=False)
    make_user(site, "Bob")

    changed = callers.user.patch(f"{PATH}d1/", json={"owner": "bob"})

    assert (200, "Bob") == (changed.status_code, changed.json()["owners"]["preview"][0]["username"])
    assert ["d1"] == ids(callers.user, owner="Bob")
    assert ["d1", "d2"] == ids(callers.user, owner="Bob,ann") == ids(callers.user, createdByMe="true")
    assert ("ann", "Bob") == site.services.deployments.possible_owners("d1")
    entry = callers.user.get("/api/v2/auditEntries/", params={"limit": 1}).json()["data"][0]
    assert ("deployment", "d1", "Bob owns it now") == (entry["targetKind"], entry["targetId"], entry["summary"])


def test_nobody_who_cannot_see_it_owns_it(site: Site, callers):
    """An unknown name, an agent, a disabled user, a user of another environment, and what is no name at all."""
    site.create("d1", launch=False)
    elsewhere = site.services.registry.create_environment(api_v2.PredictionEnvironmentIn(name="elsewhere")).id
    make_user(site, "far", environment_id=elsewhere)
    site.services.users.change_user(make_user(site, "gone"), api_v2.UserPatch(disabled=True))

    for name, why in (
        ("who", "no user"),
        ("agent-two", "no user"),
        ("gone", "disabled"),
        ("far", "does not see"),
        ("<b>", "owner"),
        ("", "owner"),
    ):
        answer = callers.user.patch(f"{PATH}d1/", json={"owner": name})
        assert (422, True) == (answer.status_code, why in answer.json()["message"]), answer.text
    assert ["d1"] == ids(callers.user, owner="ann")
