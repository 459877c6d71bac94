"""Many `ansible-playbook` calls for one start of Python: each line of standard input is one, performed in a fork.

Run by the interpreter of the Ansible under test; needs nothing but Ansible. A line is `{"arguments", "folder", "log"}`, the answer
to it a line with the exit code.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from ansible.cli.playbook import main


def perform(call: dict, play: Callable[[list[str]], object]) -> int:
    """Return the exit code of one call, as `ansible-playbook` would have ended."""
    child = os.fork()
    if child == 0:
        log = os.open(call["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for number in (1, 2):
            os.dup2(log, number)
        os.chdir(call["folder"])
        try:
            play(["ansible-playbook", *call["arguments"]])
            code = 0
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1
        except BaseException:  # noqa: BLE001 - a fork must never go on as its parent
            code = 250
        sys.stdout.flush()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{perform(json.loads(line), main)}\n")
        sys.stdout.flush()
