"""Enrollment of a new agent: a one-time code becomes its token. Needs no access token."""

from __future__ import annotations

from pathlib import Path

import requests

from mgmt_ansible import errors
from mgmt_ansible.client import problems
from mgmt_ansible.client.transport import parse_answer
from mgmt_ansible.wire.api_v2 import AgentEnrollment

_SECONDS = 30.0
_LARGEST_ANSWER = 100_000
_PIECE = 16_384


def enroll(url: str, code: str, *, ca_file: Path | None = None) -> AgentEnrollment:
    """Return what a control plane gives an agent for its code, which is used up.

    Args:
        url: Of the control plane.
        code: As the environment's page showed it.
        ca_file: Certificates to trust; None means the usual ones.

    Raises:
        AccessError: The code is unknown, was used, or is too old.
        ControlPlaneUnavailableError: Nobody answers there.
        ControlPlaneError: What answers is no control plane.
    """
    with requests.Session() as session, problems.translated(url):
        session.trust_env = False
        answer = session.post(
            f"{url.rstrip('/')}/install/agent",
            json={"code": code},
            timeout=_SECONDS,
            verify=str(ca_file) if ca_file is not None else True,
            allow_redirects=False,
            stream=True,
        )
        body = b""
        for piece in answer.iter_content(_PIECE):
            body += piece
            if len(body) > _LARGEST_ANSWER:
                break
    if len(body) > _LARGEST_ANSWER or answer.is_redirect:
        raise errors.ControlPlaneError(f"{url} is no control plane: its answer cannot be read")
    if not answer.ok:
        raise problems.error_of(answer.status_code, body)
    return parse_answer(AgentEnrollment, body)
