"""What runs below a loopback host's base directory, read from the host's own records, and stopping exactly that."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.quickstart import processes

_QUIET_SECONDS = 1.0
_SETTLE_SECONDS = 0.05


def stop_models(base_dir: Path, *, grace_seconds: float = 6.0) -> int:
    """Stop every supervisor, model server and half-done piece of work that the base directory's records name.

    Args:
        base_dir: Of the loopback host; may be absent.
        grace_seconds: For all of it together, before SIGKILL.

    Returns:
        How many processes were stopped.

    Raises:
        QuickstartError: Something still lives.

    A supervisor that is just coming up has no record yet, so looking ends only when nothing was found for a second.
    """
    if not any(base_dir.glob("deployments/*/fence.json")) and not any(base_dir.glob("deployments/*/slots/*")):
        return 0
    deadline = time.monotonic() + grace_seconds
    stopped, quiet_since = 0, time.monotonic()
    while time.monotonic() - quiet_since < _QUIET_SECONDS:
        living = tuple(mark for mark in list_processes(base_dir) if mark.alive)
        if living:
            stopped += _stop_all(living, deadline)
            quiet_since = time.monotonic()
        if time.monotonic() > deadline + grace_seconds:
            raise errors.QuickstartError(f"process {living[0].pid if living else '?'} of {base_dir} does not end")
        time.sleep(_SETTLE_SECONDS)
    return stopped


def list_processes(base_dir: Path) -> Iterator[processes.ProcessMark]:
    """Yield the marks in the host's records, holders first, then supervisors, then servers; they may be long gone.

    Source: docs/reference/host-layout.md.
    """
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for fence in sorted(base_dir.glob("deployments/*/fence.json")):
        yield from _marks(fence, ("holder",), boot_id)
    records = sorted(base_dir.glob("deployments/*/slots/*/process.json"))
    for key in ("supervisor", "server"):
        for record in records:
            yield from _marks(record, (key,), boot_id)


def _stop_all(living: tuple[processes.ProcessMark, ...], deadline: float) -> int:
    """Ask all at once, then wait for each: a supervisor needs its server's time, not the sum of them."""
    for mark in living:
        processes.ask_to_end(mark)
    for mark in living:
        processes.stop_process(mark, grace_seconds=max(0.0, deadline - time.monotonic()), ask=False)
    return len(living)


def _marks(path: Path, keys: tuple[str, ...], boot_id: str) -> Iterator[processes.ProcessMark]:
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return
    for key in keys:
        found = value.get(key) if isinstance(value, dict) else None
        if not isinstance(found, dict) or found.get("boot_id") != boot_id:
            continue
        pid, start_time = found.get("pid"), found.get("start_time")
        if isinstance(pid, int) and isinstance(start_time, int):
            yield processes.ProcessMark(pid=pid, start_time=start_time)
