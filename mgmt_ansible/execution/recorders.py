"""Taking a run's events as they happen: what parsing needs stays, progress goes on, the log's tail is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.domain.run_logs import lines_of
from mgmt_ansible.domain.runs import RunProgress
from mgmt_ansible.ports import ProgressSink

LOG_CHARACTERS = 64_000
"""Of Ansible's own output, its end."""

_KEPT = frozenset(
    {
        "runner_on_start",
        "runner_on_ok",
        "runner_on_failed",
        "runner_on_unreachable",
        "playbook_on_play_start",
        "playbook_on_no_hosts_matched",
        "playbook_on_stats",
        "error",
        "verbose",
    }
)


class EventRecorder:
    """Takes the events of one run.

    Attributes:
        events: Those that parsing reads, in order.
        log_lines: How many lines the log had so far.
    """

    def __init__(
        self,
        *,
        run_id: str,
        progress: ProgressSink,
        secrets: tuple[str, ...] = (),
        watch: Callable[[Mapping[str, object]], None] | None = None,
    ) -> None:
        """Begin with nothing.

        Args:
            run_id: For progress.
            progress: Told of every task that begins on a host, and of every line of Ansible's output.
            secrets: Values to take out of progress and log.
            watch: Told of every event as ansible-runner sent it, for recordings.
        """
        self.events: list[Mapping[str, object]] = []
        self.log_lines = 0
        self._run_id = run_id
        self._progress = progress
        self._secrets = secrets
        self._watch = watch
        self._lines: deque[str] = deque()
        self._characters = 0

    def take(self, event: Mapping[str, object]) -> bool:
        """Take one event; False tells ansible-runner not to write it to disk."""
        kind = event.get("event")
        if self._watch is not None:
            self._watch(event)
        if kind in _KEPT:
            self.events.append(event)
        output = str(event.get("stdout") or "")
        self._keep_line(output)
        self._tell_lines(output)
        if kind == "runner_on_start":
            self._tell(event.get("event_data"))
        return False

    @property
    def log_tail(self) -> str:
        """Ansible's own output, redacted, its last 64,000 characters."""
        return redact("\n".join(self._lines), self._secrets, limit=LOG_CHARACTERS)

    def _keep_line(self, text: str) -> None:
        if not text:
            return
        kept = text[-LOG_CHARACTERS:]
        self._lines.append(kept)
        self._characters += len(kept) + 1
        while self._characters > 2 * LOG_CHARACTERS:
            self._characters -= len(self._lines.popleft()) + 1

    def _tell_lines(self, output: str) -> None:
        lines = lines_of(redact(output, self._secrets, limit=LOG_CHARACTERS)) if output else ()
        if lines:
            self.log_lines += len(lines)
            self._progress.log(self._run_id, lines)

    def _tell(self, data: object) -> None:
        if not isinstance(data, Mapping):
            return
        step = redact(str(data.get("task", "")), self._secrets, limit=200)
        self._progress.progress(
            RunProgress(run_id=self._run_id, step=step, host=str(data.get("host", "")), at=datetime.now(UTC))
        )
