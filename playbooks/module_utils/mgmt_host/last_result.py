"""The last result of a deployment, kept beside its fence: whoever comes later can tell how the work ended.

Believed only while the fence still carries its pair: a later holder may have changed what it tells of.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any

from . import fence, results
from .failures import HostError
from .inputs import Inputs
from .journal import Journal
from .layout import DeploymentLayout
from .machine import durable_files

LIMIT_BYTES = 1 << 18
OUTCOMES = ("ok", "changed", "rolled_back", "degraded", "failed", "unknown")


def keep(inputs: Inputs, value: dict[str, Any], journal: Journal) -> None:
    """Keep a result; the caller holds the fence.

    Nothing is kept when the fence is another's by now. A disk that refuses never fails the work: the note
    `result_not_recorded` tells.
    """
    try:
        if value["outcome"] in OUTCOMES and fence.read(inputs.own).pair == inputs.pair:
            durable_files.write_text(inputs.own.result, _fitting(value))
    except (HostError, OSError):
        journal.note("result_not_recorded")


def drop_own(inputs: Inputs) -> None:
    """Forget what an earlier run of this very pair kept, before the first change that would make it untrue."""
    kept, _ = find(inputs.own, inputs.pair)
    if kept is not None:
        os.unlink(inputs.own.result)
        durable_files.sync_folder(inputs.own.folder)


def find(own: DeploymentLayout, pair: tuple[int, int]) -> tuple[dict[str, Any] | None, str]:
    """Return the result that was kept for a pair, and why a file that is there is not one (empty: no complaint).

    Whoever may write there may have written anything: size, shape and types are checked.
    """
    try:
        value = _checked(_read(own.result))
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, RecursionError) as error:
        return None, "result.json is not believed: {}".format(error)
    return (value, "") if (value["generation"], value["attempt"]) == pair else (None, "")


def _fitting(value: dict[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"
    if len(text) <= LIMIT_BYTES:
        return text
    return json.dumps(dict(value, evidence=[]), sort_keys=True, separators=(",", ":")) + "\n"


def _read(path: str) -> object:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no file")
        content = stream.read(LIMIT_BYTES + 1)
    if len(content) > LIMIT_BYTES:
        raise ValueError("it is larger than {} bytes".format(LIMIT_BYTES))
    return json.loads(content.decode("utf-8"))


def _checked(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - as json.loads does
    pattern = results.blank()
    wrong = [key for key, sample in pattern.items() if not _is_like(value.get(key), sample, key)]
    if wrong:
        raise ValueError("{} is missing or of another type".format(wrong[0]))
    if value["schema"] != pattern["schema"] or value["outcome"] not in OUTCOMES:
        raise ValueError("schema or outcome is unknown")
    return {key: value[key] for key in pattern}


def _is_like(value: object, sample: object, key: str) -> bool:
    if sample is None:
        return value is None or isinstance(value, _OPTIONAL[key])
    if isinstance(sample, list):
        kind = str if key == "notes" else dict
        return isinstance(value, list) and all(isinstance(one, kind) for one in value)
    return type(value) is type(sample)


_OPTIONAL: dict[str, tuple[type, ...]] = {
    "cause": (str,),
    "identity": (dict,),
    "gap_seconds": (int, float),
    "receipt": (dict,),
    "golden": (dict,),
    "fence": (dict,),
}
