"""Events as they happen: lines of the log go on at once, redacted."""

from __future__ import annotations

from mgmt_ansible.execution.recorders import EventRecorder


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def began(self, request) -> None:
        raise AssertionError("the plugin tells that")

    def log(self, run_id, lines) -> None:
        self.lines.extend(lines)

    def progress(self, progress) -> None:
        return


def test_lines_go_on_as_they_come_without_colours_and_secrets():
    """And are counted, so that lost ones can be told."""
    sink = Lines()
    recorder = EventRecorder(run_id="r", progress=sink, secrets=("hunter22",))

    for output in ("\r\nTASK [x] ***\r\n", "\x1b[0;32mok: [h1] => hunter22\x1b[0m", "", "password: opensesame"):
        recorder.take({"event": "verbose", "stdout": output})

    assert ["", "TASK [x] ***", "ok: [h1] => [redacted]", "password: [redacted]"] == sink.lines
    assert 4 == recorder.log_lines
