"""CloudEvents 1.0: an entry of the feed in the envelope that other systems of events know.

Source: https://github.com/cloudevents/spec, `cloudevents/spec.md` and `formats/json-format.md` at v1.0.2, and the extension
`sequence`. Receivers do each once by `source` and `id`, and order by `sequence`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC

from mgmt_ansible.wire.api_v2 import DeploymentEvent

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
"""Of one event, its data inside (structured mode)."""

BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"
"""Of a JSON array of such events."""

_SEQUENCE_DIGITS = 19
"""Of the largest sequence that a database can hold; the extension wants texts that sort."""


def cloud_event(entry: DeploymentEvent) -> dict[str, object]:
    """Return an entry as a structured-mode JSON event.

    `source` is the entry's environment, relative to the control plane's URL: the control plane may be reached by several
    names, while a source must not change. `subject` is the deployment. `data` is the API's own object. What the entry does
    not have is left out, as CloudEvents knows no null.
    """
    attributes = {
        "specversion": "1.0",
        "id": entry.id,
        "source": f"/api/v2/predictionEnvironments/{entry.prediction_environment_id}/",
        "type": entry.type,
        "subject": f"deployments/{entry.deployment_id}" if entry.deployment_id else None,
        "time": entry.timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": f"{entry.sequence:0{_SEQUENCE_DIGITS}d}",
        "environmentid": entry.prediction_environment_id,
        "deploymentid": entry.deployment_id,
        "actionid": entry.action_id,
        "health": entry.health.value,
        "data": entry.model_dump(mode="json", by_alias=True),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def to_json(entry: DeploymentEvent) -> str:
    """Return an entry as the text of a structured-mode event, in one line."""
    return json.dumps(cloud_event(entry), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json_batch(entries: Iterable[DeploymentEvent]) -> str:
    """Return entries as the text of a batch."""
    return f"[{','.join(to_json(entry) for entry in entries)}]"
