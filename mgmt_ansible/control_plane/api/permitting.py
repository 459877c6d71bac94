"""Who may send a request, by the table in `permissions`."""

from __future__ import annotations

import re

from mgmt_ansible import errors
from mgmt_ansible.control_plane.api.permissions import PERMISSIONS, Permission
from mgmt_ansible.control_plane.principals import Principal
from mgmt_ansible.domain.roles import Role


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", template)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".*" if part.endswith(":path}") else "[^/]+"


_PATTERNS = tuple((method, _pattern(path), permission) for (method, path), permission in PERMISSIONS.items())


def permission_of(method: str, path: str) -> Permission | None:
    """Return who may send a request; None when no route takes it.

    A path that fits several templates needs what the strictest of them does.
    """
    found = [permission for of, pattern, permission in _PATTERNS if of == method and pattern.fullmatch(path)]
    return max(found, key=_strictness, default=None)


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes; none when there is no such path."""
    return tuple(sorted({method for method, pattern, _ in _PATTERNS if pattern.fullmatch(path)}))


def check(principal: Principal, permission: Permission, path: str) -> None:
    """Refuse somebody who may not use a route; ForbiddenError."""
    if principal.kind == "agent":
        if not permission.agents:
            raise errors.ForbiddenError("an agent's token is for /agent/v1 only: use a user's token")
        return
    if permission.role is None:
        raise errors.ForbiddenError(f"{path} takes an agent's token only")
    require(principal, permission.role)


def require(principal: Principal, needed: Role) -> None:
    """Refuse somebody whose role is less than what is needed; ForbiddenError names both."""
    held = principal.role
    if held is None or not held.covers(needed):
        raise errors.ForbiddenError(
            f"this needs the role {needed}, and {principal.name} has {held or 'none'}: ask an administrator"
        )


def _strictness(permission: Permission) -> int:
    if permission.everybody:
        return -1
    return len(Role) if permission.role is None else tuple(Role).index(permission.role)
