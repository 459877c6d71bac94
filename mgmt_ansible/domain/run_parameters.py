"""Run parameters: key-values of an environment and of a deployment that reach a run, as data and nothing else. Pure.

```
 defaults < the environment's < the deployment's < what a request says itself
```

A few names are settings of the run, and a value within its limits takes their place. Names of the agent's own configuration are
refused. Every other one is handed on as `mgmt_event.key_values`, for playbooks of the user's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from mgmt_ansible.domain.environments import EnvironmentBinding

MOST_CHARACTERS = 4_096
"""Of one value that is handed to agents."""

ALL_CHARACTERS = 65_536
"""Of all names and values that are handed to agents for one action."""

LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "minimum_healthy_seconds": (0.0, 3_600.0),
        "ready_timeout_seconds": (1.0, 3_600.0),
        "stop_timeout_seconds": (1.0, 600.0),
        "timeout_seconds": (1.0, 86_400.0),
    }
)
"""Settings of a run that a key-value may override -> smallest and largest value, in seconds."""

AGENTS_OWN = frozenset({one.name for one in fields(EnvironmentBinding)} | {"port", "package", "hosts", "limit"})
"""What no key-value overrides: the agent's own configuration, and what a deployment has fields for."""

Value = str | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParameter:
    """A key-value as a run gets it: text, a number or a truth; never a secret."""

    name: str
    value: Value


def complaint_about(name: str, value: str) -> str:
    """Return why something cannot be a run parameter of a deployment or environment; empty when it can.

    Args:
        name: Any text.
        value: As it is stored, whatever its type.
    """
    if name in AGENTS_OWN:
        allowed = ", ".join(LIMITS)
        return f"name: {name} is the agent's own, or a field of the deployment, and no key-value overrides it; only {allowed}"
    if len(value) > MOST_CHARACTERS:
        return f"value: a runtime parameter is handed to agents and has at most {MOST_CHARACTERS} characters"
    if name in LIMITS and number_of(name, value) is None:
        least, most = LIMITS[name]
        return f"value: {name} is a number of seconds from {least:g} to {most:g}"
    return ""


def number_of(name: str, value: Value) -> float | None:
    """Return the seconds that a value says for one of `LIMITS`; None when it is out of them, or no number."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    least, most = LIMITS[name]
    return number if math.isfinite(number) and least <= number <= most else None


def merged(environments: Iterable[RunParameter], deployments: Iterable[RunParameter]) -> tuple[RunParameter, ...]:
    """Return what a run gets, by name: the deployment's beat the environment's; what cannot be one is left out.

    Of too many the last by name are left out: what is stored was checked one by one.
    """
    values = {
        one.name: one.value for one in (*environments, *deployments) if not complaint_about(one.name, str(one.value))
    }
    kept: list[RunParameter] = []
    left = ALL_CHARACTERS
    for name in sorted(values, key=lambda name: (name not in LIMITS, name)):
        left -= len(name) + len(str(values[name]))
        if left < 0:
            break
        kept.append(RunParameter(name=name, value=values[name]))
    return tuple(sorted(kept, key=lambda one: one.name))


def overrides(parameters: Iterable[RunParameter]) -> dict[str, float]:
    """Return the settings of the run that parameters override: name of `LIMITS` -> seconds."""
    told = {one.name: number_of(one.name, one.value) for one in parameters if one.name in LIMITS}
    return {name: number for name, number in told.items() if number is not None}
