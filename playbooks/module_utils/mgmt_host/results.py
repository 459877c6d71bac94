"""The one result of the host contract."""

from __future__ import annotations

from typing import Any

from . import SCHEMA
from .failures import HostError, StillWorkingError
from .inputs import Inputs


def blank() -> dict[str, Any]:
    """Return a result of the host contract that says nothing yet."""
    return {
        "schema": SCHEMA,
        "action": "",
        "deployment_id": "",
        "generation": 0,
        "attempt": 0,
        "outcome": "unknown",
        "cause": None,
        "message": "",
        "evidence": [],
        "steps": [],
        "identity": None,
        "old_model_in_use": False,
        "gap_seconds": None,
        "receipt": None,
        "golden": None,
        "notes": [],
        "fence": None,
        "observations": [],
        "orphans": None,
    }


def of(inputs: Inputs) -> dict[str, Any]:
    """Return a result that repeats what was asked."""
    generation, attempt = inputs.pair
    asked = {
        "action": inputs.action,
        "deployment_id": inputs.deployment_id,
        "generation": generation,
        "attempt": attempt,
    }
    return dict(blank(), **asked)


def failure(error: HostError) -> dict[str, Any]:
    """Return the parts of a result that tell of a failure."""
    outcome = "unknown" if isinstance(error, StillWorkingError) else "failed"
    return {"outcome": outcome, "cause": error.cause, "message": error.message, "evidence": error.evidence}
