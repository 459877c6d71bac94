"""Where a process under test stops and says so; also appended to the host side, so Python 3.8 and no imports of ours.

A barrier is files in one folder: `arm-<place>-<step>` holds limits as JSON; the first process that comes by with facts
that match takes it (a rename: one only), writes `reached-<place>-<step>` with its facts, and blocks until
`go-<place>-<step>` is there, or five minutes have passed. Where a file `trace` is, each step that is passed adds its line.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

BLOCKED_SECONDS = 1200.0


def reach(folder: str, place: str, step: str, facts: dict) -> None:
    """Block here if somebody armed this step for such a process; else return at once."""
    name = f"{place}-{step}"
    trace = Path(folder, "trace")
    if trace.exists():
        with trace.open("a") as stream:
            stream.write(f"{name}\n")
    arm = Path(folder, f"arm-{name}")
    try:
        limits = json.loads(arm.read_text())
        if any(facts.get(key) != value for key, value in limits.items()):
            return
        arm.rename(Path(folder, f"taken-{name}"))
    except (FileNotFoundError, ValueError):
        return
    draft = Path(folder, f"draft-{name}")
    draft.write_text(json.dumps(dict(facts, pid=os.getpid(), time=time.time())))
    draft.rename(Path(folder, f"reached-{name}"))
    deadline = time.monotonic() + BLOCKED_SECONDS
    while not Path(folder, f"go-{name}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
