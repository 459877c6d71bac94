"""Printing a run's log, and following it over a control plane that comes and goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mgmt_ansible import errors
from mgmt_ansible.cli import output, text
from mgmt_ansible.cli.options import Session
from mgmt_ansible.wire.api_v2 import RunLog

_RETRY_SECONDS = 2.0
_MOST_RETRIES = 30


def print_log(session: Session, run_id: str, *, first: int, follow: bool) -> None:
    """Print a log from a line on; with `follow` until the run has ended.

    Raises:
        NotFoundError: There is no such run.
        ControlPlaneUnavailableError: It stayed away for a minute.
    """
    number = first
    for log in _followed(session, run_id, first) if follow else _read(session, run_id, first):
        for line in log.lines:
            if line.number > number:
                _say(session, number, f"[{line.number - number} lines lost]", lost=line.number - number)
            _say(session, line.number, line.text)
            number = line.number + 1
        if log.next_line is None and log.log_lines >= number:
            lost = log.log_lines - number + 1
            _say(session, number, f"[{lost} lines lost: `run show` has the end]", lost=lost)


def _read(session: Session, run_id: str, first: int) -> Iterator[RunLog]:
    while True:
        log = session.client.runs.read_log(run_id, first=first)
        yield log
        if log.next_line is None or not log.lines:
            return
        first = log.next_line


def _followed(session: Session, run_id: str, first: int) -> Iterator[RunLog]:
    retries = 0
    while retries <= _MOST_RETRIES:
        try:
            for log in session.client.runs.follow_log(run_id, first=first):
                retries = 0
                yield log
                if log.next_line is None:
                    return
                first = log.next_line
        except errors.ControlPlaneUnavailableError:
            if retries == _MOST_RETRIES:
                raise
        retries += 1
        time.sleep(_RETRY_SECONDS)


def _say(session: Session, number: int, words: str, *, lost: int = 0) -> None:
    if session.output.json:
        output.print_json_line({"number": number, "lost": lost} if lost else {"number": number, "text": words})
    else:
        print(text.clean(words), flush=True)
