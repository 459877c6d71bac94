"""The deployments of a campaign: what was accepted for each, and one to use for the next round."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.wire.api_v2 import DeploymentIn, ModelReplacement
from tests.kills.oracle import Wanted
from tests.kills.sites import ENVIRONMENTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from mgmt_ansible.wire.api_v2 import ActionAccepted, ModelPackage
    from tests.kills.sites import KillSite

LAUNCH, REPLACE, STOP = "launch", "replace", "stop"
_OTHER = {"1": "2", "2": "1"}


class Deployments:
    """Asks for actions and remembers what is wanted since.

    Attributes:
        wanted: Deployment id -> what was accepted last.
    """

    def __init__(self, site: KillSite) -> None:
        self.wanted: dict[str, Wanted] = {}
        self._site = site
        self._numbers = itertools.count(1)
        self._spoiled: set[str] = set()
        self._last: dict[str, tuple[str, ModelPackage]] = {}

    def ready_for(self, action: str, hosts: int, *, taken: Collection[str] = ()) -> str:
        """Return the id of a deployment that the action can be asked for; makes one when there is none.

        Args:
            action: `launch` takes a new id.
            hosts: On how many it must be.
            taken: Ids of others that are in use.
        """
        if action == LAUNCH:
            return f"kill-{next(self._numbers)}"
        names = ENVIRONMENTS[hosts]
        for one in self.wanted.values():
            if one.hosts == names and one.version and one.deployment_id not in {*self._spoiled, *taken}:
                return one.deployment_id
        made = f"kill-{next(self._numbers)}"
        self.finish(self.ask(LAUNCH, made, hosts))
        return made

    def ask(self, action: str, deployment_id: str, hosts: int = 1, *, package: ModelPackage | None = None) -> str:
        """Ask for an action, without health times; returns the action's id.

        Args:
            action: `launch`, `replace` or `stop`; a launch of what was stopped brings its last version back.
            deployment_id: Any.
            hosts: On how many, for a first launch.
            package: Of model version 1, for a first launch; None takes the usual one.
        """
        before = self.wanted.get(deployment_id)
        if before is None:
            return self._launch(deployment_id, hosts, package)
        if action == LAUNCH:
            accepted = self._site.client.deployments.ask(deployment_id, ActionType.DEPLOYMENT_LAUNCH)
            return self._accepted(accepted, before.hosts, *self._last[deployment_id])
        if action == STOP:
            accepted = self._site.client.deployments.ask(deployment_id, ActionType.DEPLOYMENT_STOP)
            return self._accepted(accepted, before.hosts, None, None)
        version = _OTHER[before.version or "2"]
        chosen = self._site.packages[version]
        body = ModelReplacement(model_package_id=chosen.id, minimum_healthy_seconds=0)
        accepted = self._site.client.deployments.replace_model(deployment_id, body)
        return self._accepted(accepted, before.hosts, version, chosen)

    def finish(self, action_id: str) -> None:
        """Wait for an action that nothing disturbs.

        Raises:
            QuickstartError: It did not succeed.
        """
        done = self._site.client.actions.wait_for_action(action_id)
        if done.status != "succeeded":
            raise errors.QuickstartError(f"undisturbed, {done.type} is {done.status}: {done.message}")

    def spoil(self, deployment_id: str) -> None:
        """Use a deployment no more: a round went wrong on it."""
        self._spoiled.add(deployment_id)

    def _launch(self, deployment_id: str, hosts: int, package: ModelPackage | None) -> str:
        chosen = package or self._site.packages["1"]
        body = DeploymentIn(
            model_package_id=chosen.id,
            label=deployment_id,
            deployment_id=deployment_id,
            prediction_environment_id=self._site.environments[hosts].id,
            minimum_healthy_seconds=0,
        )
        return self._accepted(self._site.client.deployments.launch(body), ENVIRONMENTS[hosts], "1", chosen)

    def _accepted(
        self, accepted: ActionAccepted, hosts: tuple[str, ...], version: str | None, package: ModelPackage | None
    ) -> str:
        if accepted.action_id is None:
            raise errors.QuickstartError("the control plane accepted a request without an action")
        generation = self._site.client.deployments.get_deployment(accepted.id).generation
        if version and package:
            self._last[accepted.id] = (version, package)
        self.wanted[accepted.id] = Wanted(accepted.id, hosts, generation, version, package)
        return accepted.action_id
