"""Deployments, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, TypedDict, Unpack

import requests

from mgmt_ansible.client.exporting import download
from mgmt_ansible.client.transport import Query, Transport, parse_answer, segment
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.table_formats import TableFormat
from mgmt_ansible.wire.api_v2 import (
    ActionAccepted,
    ActionIn,
    BuildAccepted,
    Deployment,
    DeploymentEvent,
    DeploymentIn,
    DeploymentPatch,
    DeploymentStatusIn,
    ModelReplacement,
)
from mgmt_ansible.wire.deployment_hosts import DeploymentHost


class DeploymentChoice(TypedDict, total=False):
    """Which deployments; what is left out, or None, leaves none out.

    Attributes:
        environment_id: Only of this environment.
        state: Only in this state, or in one of these; words of `domain.deployments.STATE_WORDS`.
        health: Only of this health, or of one of these.
        search: Only with this text in label, description, id or package name.
        order_by: Such as `serviceHealth` or `-createdAt`; None is by label.
        importances: Only of one of these.
        tag_keys: Only with a tag of one of these names.
        tag_values: Only with a tag of one of these values.
        host: Only in environments with this host, or told of by it.
        package_name: Only those that want a package of this name.
        owners: Only those that one of these owns: names of users and services.
    """

    environment_id: str | None
    state: str | Sequence[str] | None
    health: Health | Sequence[Health] | None
    search: str | None
    order_by: str | None
    importances: Sequence[str]
    tag_keys: Sequence[str]
    tag_values: Sequence[str]
    host: str | None
    package_name: str | None
    owners: Sequence[str]


class Deployments:
    """Verbs on deployments; those that change hosts return the action to wait for."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_deployments(self, **choice: Unpack[DeploymentChoice]) -> Iterator[Deployment]:
        """Yield deployments, page after page."""
        return self._transport.pages(Deployment, "deployments/", _query(choice))

    def export_deployments(self, file: BinaryIO, form: TableFormat, **choice: Unpack[DeploymentChoice]) -> int:
        """Write all deployments of a choice to a file, in its order; return how many they are.

        Args:
            file: Written to as they come; a large export is never wholly in memory.
            form: CSV with defused formulas, JSON lines, or a table for Excel or Parquet.
            choice: Which ones.

        Raises:
            ControlPlaneUnavailableError: The connection broke; what was written is not whole.
        """
        return download(self._transport, "exports/deployments/", {**_query(choice), "format": form}, file)

    def get_deployment(self, deployment_id: str) -> Deployment:
        """Return one deployment; NotFoundError without it."""
        return self._transport.get(Deployment, f"deployments/{segment(deployment_id)}/")

    def launch(self, deployment: DeploymentIn, *, idempotency_key: str | None = None) -> ActionAccepted:
        """Create a deployment and launch it; `id` of the answer is the deployment's."""
        path = "deployments/fromModelPackage/"
        return self._transport.ask("POST", path, body=deployment, idempotency_key=idempotency_key)

    def change_deployment(self, deployment_id: str, change: DeploymentPatch) -> Deployment:
        """Change label, description, importance or owner; fields that are None stay.

        Raises:
            InvalidRequestError: The owner is nobody, is disabled, or does not see the deployment.
        """
        return self._transport.send(Deployment, "PATCH", f"deployments/{segment(deployment_id)}/", body=change)

    def replace_model(
        self, deployment_id: str, replacement: ModelReplacement, *, idempotency_key: str | None = None
    ) -> ActionAccepted:
        """Replace the model: the new one is started beside the old one, and gets traffic when its gate has passed."""
        path = f"deployments/{segment(deployment_id)}/model/"
        return self._transport.ask("PATCH", path, body=replacement, idempotency_key=idempotency_key)

    def ask(
        self,
        deployment_id: str,
        action_type: ActionType,
        *,
        timeout_seconds: float | None = None,
        dry_run: bool = False,
        failed_only: bool = False,
        idempotency_key: str | None = None,
    ) -> ActionAccepted:
        """Ask for an action that needs no further input.

        Args:
            deployment_id: Which one.
            action_type: `deployment_stop`, `deployment_relaunch`, `deployment_rollback`, `deployment_status` or
                `deployment_launch`.
            timeout_seconds: For the whole run; None means the control plane's default.
            dry_run: Tell what it would do on each host, and do nothing.
            failed_only: Relaunch only the hosts whose own last result was not fine.
            idempotency_key: The same key gives the same action.

        Raises:
            ConflictError: There is nothing to roll back to, or no host that failed.
            TransitionError: The deployment's state does not allow it.
        """
        body = ActionIn(type=action_type, timeout_seconds=timeout_seconds, dry_run=dry_run, failed_only=failed_only)
        path = f"deployments/{segment(deployment_id)}/actions/"
        return self._transport.ask("POST", path, body=body, idempotency_key=idempotency_key)

    def delete(self, deployment_id: str, *, at_once: bool = False) -> ActionAccepted | None:
        """Stop a deployment, then forget it.

        Args:
            deployment_id: Which one.
            at_once: Forget without asking the agent; what runs on hosts goes on.

        Returns:
            The action that stops it, or None when it was forgotten at once.
        """
        query = {"ignoreManagementAgent": True} if at_once else None
        body = self._transport.read("DELETE", f"deployments/{segment(deployment_id)}/", query=query)
        return parse_answer(ActionAccepted, body) if body else None

    def set_active(self, deployment_id: str, *, active: bool, idempotency_key: str | None = None) -> ActionAccepted:
        """Launch a deployment again, or stop it, the vendor's way."""
        path = f"deployments/{segment(deployment_id)}/status/"
        body = DeploymentStatusIn(status="active" if active else "inactive")
        return self._transport.ask("PATCH", path, body=body, idempotency_key=idempotency_key)

    def build_file(self, deployment_id: str) -> BuildAccepted:
        """Ask for the archive of what a deployment wants to serve."""
        path = f"deployments/{segment(deployment_id)}/modelPackageFileBuilds/"
        return self._transport.send(BuildAccepted, "POST", path)

    def open_file(self, deployment_id: str) -> AbstractContextManager[requests.Response]:
        """Lend the unread answer with the archive of what a deployment wants to serve."""
        return self._transport.open("GET", f"deployments/{segment(deployment_id)}/modelPackageFile/")

    def build_scoring_code(self, deployment_id: str) -> BuildAccepted:
        """Ask for its scoring code; InvalidRequestError unless the package's runtime is `scoring_code`."""
        path = f"deployments/{segment(deployment_id)}/scoringCodeBuilds/"
        return self._transport.send(BuildAccepted, "POST", path)

    def open_scoring_code(self, deployment_id: str) -> AbstractContextManager[requests.Response]:
        """Lend the unread answer with its scoring code; InvalidRequestError unless the runtime is `scoring_code`."""
        return self._transport.open("GET", f"deployments/{segment(deployment_id)}/scoringCode/")

    def list_hosts(
        self, *, deployment_id: str | None = None, environment_id: str | None = None, host: str | None = None
    ) -> Iterator[DeploymentHost]:
        """Yield what each host last made of each deployment, by deployment and host."""
        query = {"deploymentId": deployment_id, "predictionEnvironmentId": environment_id, "host": host}
        return self._transport.pages(DeploymentHost, "deploymentHosts/", query)

    def list_events(self, deployment_id: str) -> Iterator[DeploymentEvent]:
        """Yield the deployment's events, newest first."""
        return self._transport.pages(DeploymentEvent, f"deployments/{segment(deployment_id)}/events/")


def _query(choice: DeploymentChoice) -> Query:
    return {
        "predictionEnvironmentId": choice.get("environment_id"),
        "state": choice.get("state") or None,
        "health": choice.get("health") or None,
        "search": choice.get("search"),
        "orderBy": choice.get("order_by"),
        "importance": choice.get("importances") or None,
        "tagKeys": choice.get("tag_keys") or None,
        "tagValues": choice.get("tag_values") or None,
        "host": choice.get("host"),
        "packageName": choice.get("package_name"),
        "owner": choice.get("owners") or None,
    }
