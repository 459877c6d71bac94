"""Roles: what people and their programs may do. Each may also do all that the ones below it may.

```
viewer     looks, searches, exports
operator   makes things as they are wanted again: looks anew, relaunches, cancels
deployer   changes what is wanted: launches, replaces, stops, deletes deployments; adds packages
admin      changes who may, where and for how long: environments, tokens, users, retention, holds
```

Agents have no role: they have their own routes and their own environments.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mgmt_ansible.domain.actions import ActionType


class Role(StrEnum):
    """What somebody may do, least first."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    DEPLOYER = "deployer"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Tell whether whoever has this role may do what needs another."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = tuple(Role)

ROLE_OF_ACTION: Mapping[ActionType, Role] = {
    ActionType.DEPLOYMENT_STATUS: Role.OPERATOR,
    ActionType.ENVIRONMENT_STATUS: Role.OPERATOR,
    ActionType.DEPLOYMENT_RELAUNCH: Role.OPERATOR,
    ActionType.DEPLOYMENT_LAUNCH: Role.DEPLOYER,
    ActionType.DEPLOYMENT_REPLACE_MODEL: Role.DEPLOYER,
    ActionType.DEPLOYMENT_ROLLBACK: Role.DEPLOYER,
    ActionType.DEPLOYMENT_DRY_RUN: Role.OPERATOR,
    ActionType.DEPLOYMENT_STOP: Role.DEPLOYER,
}
"""Action type -> least role that may ask for it, whatever the route."""
