"""docs/reference/roles.md: who may use which route, written from the table of permissions.

`python -m tests.unit.repository.roles_page` writes the page anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mgmt_ansible.control_plane.api.permissions import PERMISSIONS, Permission
from mgmt_ansible.domain.roles import ROLE_OF_ACTION, Role

PAGE = Path(__file__).parents[3] / "docs/reference/roles.md"

_MAY = {
    Role.VIEWER: "looks, searches and exports; makes a login link of their own",
    Role.OPERATOR: "makes things as they are wanted again: looks anew, relaunches, cancels",
    Role.DEPLOYER: "changes what is wanted: launches, replaces, stops and deletes deployments, adds and deletes packages",
    Role.ADMIN: "changes who may, where and for how long: environments, users, tokens, retention and legal holds",
}

_HEAD = """# Roles

Written from `control_plane/api/permissions.py` by `python -m tests.unit.repository.roles_page`; a test compares them.

A user has a role, and so has every token of a person. Each role may do all that those above it in this table may:

| role | may |
|---|---|
"""

_AGENTS = """
An agent has no role: its token opens the routes below that say so, for the environments that it names, and no other.
The token `admin` of the first start and every token of a person made before roles came are of administrators; a token that
is made without naming a role is a viewer's. Who may not is answered 403 (`forbidden`): the message names the role that is
needed and the one held. A route that takes several types of action stands under the least role of them; the type decides:

| action | least role |
|---|---|
"""

_ROUTES = """
A token that belongs to a user may what both may: it has the lesser of both roles at every request, and is refused while the user is
disabled. What would leave nobody who can administrate is refused (409).

## Scopes

A user or a token of a person may be for some environments only (`predictionEnvironmentIds`, `user add NAME --environment ENVIRONMENT`). Then
deployments, hosts, actions, runs, agents, events (lists, search, streams, exports, metrics and pages alike), holds and notifications of other
environments do not exist: they are in no list and no count, and everything about them is answered 404. Packages and registered models can be read
by all; a registered model of which a version is wanted in another environment is neither renamed nor are its aliases moved. A token of a
user sees what both may see. Administrators are for all environments. Another scope ends the user's sessions. The control plane does it at one place, where
every question to the database passes (`control_plane/store/scoping.py`).

## Signing in

People sign in to the pages with name and password, with a token, or with a one-time link (`mgmt-ansible login`). A session ends 12 hours
after its last request, a week after it began ([settings](settings-control-plane.md)), when one signs out, when the token that opened it is
revoked, and at once when its user is disabled, has a new password, or a lesser role. An unknown name, a disabled user and a wrong password
are answered alike, in the same time. Ten wrong tries of one name, or thirty of anything from one address, may come at once; then one in
30 s, or in 5 s, and else 429 with `Retry-After`. Each process of the control plane counts for itself.

## Routes

`yes` may, `-` is refused. A session may what the token that opened it may.

| route | nobody | agent | viewer | operator | deployer | admin |
|---|---|---|---|---|---|---|
"""


def written() -> str:
    """Return the page."""
    roles = "".join(f"| `{role}` | {may} |\n" for role, may in _MAY.items())
    actions = "".join(f"| `{action}` | `{role}` |\n" for action, role in ROLE_OF_ACTION.items())
    routes = "".join(
        f"| `{method} {path}` | {' | '.join(_cells(permission))} |\n" for method, path, permission in _lines()
    )
    return _HEAD + roles + _AGENTS + actions + _ROUTES + routes


def _lines() -> Iterator[tuple[str, str, Permission]]:
    for (method, path), permission in sorted(PERMISSIONS.items(), key=lambda item: (item[0][1], item[0][0])):
        yield method, path, permission


def _cells(permission: Permission) -> Iterator[str]:
    yield _word(permission.everybody)
    yield _word(permission.everybody or permission.agents)
    for role in Role:
        yield _word(permission.everybody or (permission.role is not None and role.covers(permission.role)))


def _word(may: bool) -> str:
    return "yes" if may else "-"


if __name__ == "__main__":
    PAGE.write_text(written())
