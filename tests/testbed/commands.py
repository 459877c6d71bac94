"""Running programs of the operating system, and the error that tells what to do next."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

COMMAND_SECONDS = 600.0
POLL_SECONDS = 0.05


class BedError(Exception):
    """What is wrong with a testbed, and the next step."""


def run(
    *command: object,
    check: bool = True,
    seconds: float = COMMAND_SECONDS,
    stdin: str | None = None,
    log: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return it with its output.

    Args:
        command: Words; each is turned into text.
        check: Whether an exit code other than 0 is an error.
        seconds: Deadline.
        stdin: Text for its standard input.
        log: File that gets all output.

    Raises:
        BedError: The program is missing, failed (with its last words), or did not end in time.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            check=False,
            timeout=seconds,
            text=True,
            errors="replace",
            capture_output=True,
            **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
        )
    except FileNotFoundError as error:
        raise BedError(f"the program {words[0]} is missing; `python -m tests.testbed check` names packages") from error
    except subprocess.TimeoutExpired as error:
        raise BedError(f"{' '.join(words[:6])} did not end within {seconds:g} s") from error
    if log is not None:
        log.write_text(done.stdout + done.stderr)
    if check and done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        where = f" (all of it in {log})" if log is not None else ""
        raise BedError(f"{' '.join(words[:8])} ended with {done.returncode}{where}: {said}")
    return done


def wait_until(condition: Callable[[], object], what: str, seconds: float = 180.0) -> None:
    """Return as soon as a condition holds.

    Raises:
        BedError: It did not within the deadline; names what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BedError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(POLL_SECONDS)
