"""Invitations: a one-time code lets a new agent fetch its token, so that no person, shell or log ever sees it."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Access
from mgmt_ansible.control_plane.agent_wheels import AgentWheels
from mgmt_ansible.control_plane.credentials import new_secret, sha256_hex
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.audit import AuditSubject
from mgmt_ansible.control_plane.store.records import InvitationRecord
from mgmt_ansible.settings.agent_files import DEFAULT_INVENTORY, AgentFile
from mgmt_ansible.wire import api_v2

INVITATION_LIFE = timedelta(minutes=15)
FOLDER = "mgmt-ansible-agent"
_URL = re.compile(r"https?://[^\s/?#'\"]+[^\s?#'\"]*")


class Invitations:
    """Invites agents, and lets them in once.

    Args:
        store: Keeps the codes' digests.
        access: Makes the tokens.
        wheels: What agents are installed from.
    """

    def __init__(self, store: Store, access: Access, wheels: AgentWheels) -> None:
        self._store = store
        self._access = access
        self.wheels = wheels

    def invite(
        self, environment_id: str, body: api_v2.AgentInvitationIn, *, actor: str, url: str
    ) -> api_v2.AgentInvitation:
        """Make a code for an agent of an environment.

        Args:
            environment_id: What the agent may serve.
            body: Its name, and how it reaches the control plane.
            actor: Who invites.
            url: How the agent reaches the control plane when the body does not say.

        Raises:
            ConflictError: A token has this name.
            NotFoundError: There is no such environment.
        """
        code = new_secret()
        with self._store.write() as tx:
            tx.environments.record(environment_id)
            if tx.access.name_taken(body.agent_name):
                raise errors.ConflictError(
                    f"agentName: an access token is named {body.agent_name} already: revoke it or take another name"
                )
            expires_at = tx.now + INVITATION_LIFE
            record = InvitationRecord(environment_id=environment_id, agent_name=body.agent_name, invited_by=actor)
            tx.invitations.insert(sha256_hex(code), record, expires_at=expires_at, now=tx.now)
            tx.audit.about(
                "agent_invitation",
                body.agent_name,
                environment_id=environment_id,
                summary=f"one-time code for agent {body.agent_name} made",
            )
        made = self.describe(environment_id, url=body.control_plane_url or url)
        return made.model_copy(update={"code": code, "expires_at": expires_at, "agent_name": body.agent_name})

    def describe(self, environment_id: str, *, url: str) -> api_v2.AgentInvitation:
        """Return how an agent of an environment is installed, without a code.

        Raises:
            InvalidRequestError: The URL is none.
            NotFoundError: There is no such environment.
        """
        place = url.rstrip("/")
        if not _URL.fullmatch(place):
            raise errors.InvalidRequestError(
                "controlPlaneUrl: is not an http or https URL such as https://mlops.example"
            )
        with self._store.read() as tx:
            environment, now = tx.environments.record(environment_id), tx.now
        wheel = self.wheels.wheel()
        wheel_url = f"{place}/install/wheels/{wheel.name}"
        file = AgentFile(control_plane_url=place, environment_id=environment_id, environment_name=environment.name)
        return api_v2.AgentInvitation(
            code="",
            expires_at=now,
            agent_name="",
            prediction_environment_id=environment_id,
            wheel_url=wheel_url,
            wheel_sha256=wheel.sha256,
            commands=_commands(place, wheel_url, wheel.sha256),
            configuration=file.text(),
        )

    def accept(self, code: str) -> api_v2.AgentEnrollment:
        """Turn a code, once, into the token of a new agent.

        Raises:
            AccessError: Unknown, used or expired.
            ConflictError: A token took the name meanwhile; the code is used up.
            NotFoundError: The environment was deleted meanwhile.
        """
        found = self._take(sha256_hex(code))
        if found is None:
            raise errors.AccessError("code: was used, or is too old: make another on the environment's page")
        token = self._access.create_token(name=found.agent_name, kind="agent", environment_ids=[found.environment_id])
        with self._store.read() as tx:
            environment = tx.environments.record(found.environment_id)
        return api_v2.AgentEnrollment(
            agent_name=found.agent_name,
            token=token.token or "",
            prediction_environment_id=environment.id,
            prediction_environment_name=environment.name,
        )

    def _take(self, sha256: str) -> InvitationRecord | None:
        """Use a code up; whoever only guesses holds no writer up."""
        with self._store.read() as tx:
            if not tx.invitations.is_good(sha256, now=tx.now):
                return None
        with self._store.write() as tx:
            found = tx.invitations.take(sha256, now=tx.now)
            if found is not None:
                tx.audit.note(_enrolled(found), actor=f"agent:{found.agent_name}")
        return found


def _enrolled(invitation: InvitationRecord) -> AuditSubject:
    return AuditSubject(
        action="enroll_agent",
        target_kind="agent_invitation",
        target_id=invitation.agent_name,
        environment_id=invitation.environment_id,
        summary=f"agent {invitation.agent_name} fetched its token by the code that {invitation.invited_by} made",
    )


def _commands(place: str, wheel_url: str, sha256: str) -> list[str]:
    """Return what to type; pip itself compares the checksum that stands there."""
    requirement = f"mgmt-ansible @ {wheel_url}#sha256={sha256}"
    install = ("bin/pip", "install", "--constraint", f"{place}/install/constraints.txt", requirement)
    enroll = ("bin/mgmt-ansible", "agent", "enroll", place, "--inventory", DEFAULT_INVENTORY, "--start")
    return [f"python3 -m venv {FOLDER} && cd {FOLDER}", shlex.join(install), shlex.join(enroll)]
