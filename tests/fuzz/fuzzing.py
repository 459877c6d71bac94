"""Random requests of every operation of our OpenAPI document, and what their answers must be.

Per operation: no server error, a declared status, a declared content type, and a body of the declared shape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.store.sites import Site

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = ("/stream/", "/agent/v1/claims")
"""Operations that answer as long as somebody listens."""


@dataclass(slots=True)
class Findings:
    """What came of it: requests by operation, statuses, and the first failure of each operation."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    server_errors: dict[str, str] = field(default_factory=dict)
    violations: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The last line of the script."""
        return (
            f"fuzz-api: {len(self.requests)} operations, {sum(self.requests.values())} requests,"
            f" server errors {len(self.server_errors)}, schema violations {len(self.violations)}"
        )


def known_ids(site: Site) -> dict[str, str]:
    """Return names of path parameters -> ids that are there."""
    action = site.services.actions.list_actions(limit=1).data[0]
    return {
        "deployment_id": "d1",
        "environment_id": site.environment.id,
        "package_id": site.package.id,
        "model_id": site.package.registered_model_id or "",
        "action_id": action.id,
        "alias": "champion",
        "policy_id": "default",
    }


def fuzz(
    app: FastAPI, token: str, *, examples: int, known: Mapping[str, str], seed_number: int = 0, only: str = ""
) -> Findings:
    """Ask every operation with random input.

    Args:
        app: Over a store that may be filled with anything.
        token: Of an administrator.
        examples: Requests of one operation.
        known: Names of path parameters -> ids that are there; every other request is about these, but for deletions.
        seed_number: The same gives the same requests.
        only: Operations whose name has this text.
    """
    findings = Findings()
    headers = {"Authorization": f"Bearer {token}"}
    for operation in _operations(app, headers):
        if only in operation.label:
            ask = _Asking(operation, headers, findings, known)
            _many(operation, ask, examples=examples, seed_number=seed_number)
    return findings


def _operations(app: FastAPI, headers: dict[str, str]) -> Iterator[schemathesis.APIOperation]:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=headers)
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith(ENDLESS):
            yield operation


class _Asking:
    """Asks one operation, and notes what is wrong with its answers."""

    def __init__(
        self,
        operation: schemathesis.APIOperation,
        headers: dict[str, str],
        findings: Findings,
        known: Mapping[str, str],
    ) -> None:
        self._operation = operation
        self._headers = headers
        self._findings = findings
        self._known = {} if operation.method.upper() == "DELETE" else known

    def __call__(self, case: schemathesis.Case) -> None:
        label, findings = self._operation.label, self._findings
        if findings.requests[label] % 2:
            given = {name: self._known[name] for name in case.path_parameters or {} if name in self._known}
            case.path_parameters = {**(case.path_parameters or {}), **given}
        answer = case.call(headers=self._headers)
        findings.requests[label] += 1
        findings.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except Exception as failure:  # noqa: BLE001 - schemathesis groups its failures in an exception of its own
            kind = findings.server_errors if answer.status_code >= 500 else findings.violations
            kind.setdefault(label, f"{answer.status_code} {str(failure)[:1500]}")


def _many(operation: schemathesis.APIOperation, ask: _Asking, *, examples: int, seed_number: int) -> None:
    @seed(seed_number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def asked(case: schemathesis.Case) -> None:
        ask(case)

    asked()
