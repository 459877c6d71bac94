"""Retention, through `/api/v2`: policies, legal holds, a look at what would go, and removing it."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, parse_answer, segment
from mgmt_ansible.wire.retention import (
    LegalHold,
    LegalHoldIn,
    RetentionPolicy,
    RetentionPolicyIn,
    RetentionPolicyPatch,
    RetentionReport,
)

_LONGEST_ANSWER_SECONDS = 300.0
"""A large feed is read through before the answer's first byte comes."""


class Retention:
    """Verbs on retention."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_policies(self) -> Iterator[RetentionPolicy]:
        """Yield every policy by name, page after page."""
        return self._transport.pages(RetentionPolicy, "retentionPolicies/")

    def create_policy(self, policy: RetentionPolicyIn) -> RetentionPolicy:
        """Create a policy; ConflictError when the name is taken."""
        return self._transport.send(RetentionPolicy, "POST", "retentionPolicies/", body=policy)

    def change_policy(self, policy_id: str, change: RetentionPolicyPatch) -> RetentionPolicy:
        """Change a policy; fields that are None stay."""
        path = f"retentionPolicies/{segment(policy_id)}/"
        return self._transport.send(RetentionPolicy, "PATCH", path, body=change)

    def delete_policy(self, policy_id: str) -> None:
        """Delete a policy; InvalidRequestError for the default one."""
        self._transport.read("DELETE", f"retentionPolicies/{segment(policy_id)}/")

    def list_holds(self) -> Iterator[LegalHold]:
        """Yield every legal hold, newest first, page after page."""
        return self._transport.pages(LegalHold, "legalHolds/")

    def place_hold(self, hold: LegalHoldIn) -> LegalHold:
        """Hold a deployment or an environment."""
        return self._transport.send(LegalHold, "POST", "legalHolds/", body=hold)

    def release_hold(self, hold_id: str) -> None:
        """Release a hold; NotFoundError without it."""
        self._transport.read("DELETE", f"legalHolds/{segment(hold_id)}/")

    def preview(self) -> RetentionReport:
        """Return what would be removed now."""
        return self._report("GET", "retention/preview/")

    def prune(self) -> RetentionReport:
        """Remove it, for about 20 s; what is not `complete` is to be asked again."""
        return self._report("POST", "retention/prune/")

    def _report(self, method: str, path: str) -> RetentionReport:
        body = self._transport.read(method, path, read_timeout_seconds=_LONGEST_ANSWER_SECONDS)
        return parse_answer(RetentionReport, body)
