"""Every route of the application has its permission, and docs/reference/roles.md tells them all."""

from __future__ import annotations

import re

from fastapi.routing import iter_route_contexts

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.control_plane.api.permissions import PERMISSIONS
from mgmt_ansible.control_plane.api.permitting import permission_of
from mgmt_ansible.control_plane.store.schema import METADATA
from mgmt_ansible.control_plane.store.scoping import CONDITIONS, FOR_ALL
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.roles import ROLE_OF_ACTION
from tests.unit.pages.scripted_services import Scripted
from tests.unit.repository import roles_page


def served() -> set[tuple[str, str]]:
    app = create_app(Scripted().services())
    return {(method, route.path) for route in iter_route_contexts(app.routes) for method in route.methods or ()}


def test_every_route_has_its_permission():
    """A new one gets its line in `control_plane/api/permissions.py`; without it, it is answered 404."""
    assert set() == served() - set(PERMISSIONS)


def test_every_permission_has_its_route():
    """What is gone, or is spelled otherwise, opens nothing."""
    assert set() == set(PERMISSIONS) - served()


def test_a_path_has_the_permission_of_its_own_template():
    """No template hides another's."""
    filled = {key: re.sub(r"\{[^}]+\}", "gone", key[1]) for key in PERMISSIONS}

    assert [] == [key for key, path in filled.items() if PERMISSIONS[key] != permission_of(key[0], path)]


def test_every_type_of_action_has_its_role():
    """Whatever the route that takes it."""
    assert set(ActionType) == set(ROLE_OF_ACTION)


def test_every_table_that_scoping_names_exists():
    """A renamed one would be open to all."""
    known = {table.name for table in METADATA.sorted_tables}
    assert {"deployment_events_search"} == (set(CONDITIONS) | FOR_ALL) - known


def test_every_table_says_whose_its_rows_are():
    """A new one gets its condition, or a line among those without an environment's data; without it, it is open to all scopes."""
    tables = {table.name for table in METADATA.sorted_tables}
    assert set() == tables - set(CONDITIONS) - FOR_ALL
    assert set() == set(CONDITIONS) & FOR_ALL


def test_the_page_says_the_same():
    """`python -m tests.unit.repository.roles_page` writes it anew."""
    assert roles_page.written() == roles_page.PAGE.read_text()
