"""Causes out of the words of Ansible, OpenSSH, sudo and Python, for failures that our own module could not report."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mgmt_ansible.domain.outcomes import Cause

_UNREACHABLE = (
    (Cause.HOST_KEY, re.compile(r"host key verification failed|remote host identification has changed", re.I)),
    (Cause.HOST_KEY, re.compile(r"no (?:\S+ )?host key is known for", re.I)),
    (Cause.AUTH, re.compile(r"permission denied|too many authentication failures|no supported authentication", re.I)),
    (Cause.AUTH, re.compile(r"invalid/incorrect password|load key .*: (?:invalid format|bad permissions)", re.I)),
)
"""First match wins: a changed host key is often followed by a refused password, never the other way round."""

_FAILED = (
    (Cause.SUDO, re.compile(r"missing (?:sudo|su|doas|become) password|incorrect (?:sudo|su|become) password", re.I)),
    (
        Cause.SUDO,
        re.compile(r"sudo: |not in the sudoers|is not allowed to (?:run sudo|execute)|su: authentication", re.I),
    ),
    (
        Cause.SUDO,
        re.compile(r"timeout .*waiting for privilege escalation|premature end of stream.*(?:become|privilege)", re.I),
    ),
    (
        Cause.PYTHON_MISSING,
        re.compile(
            r"python\S*: (?:not found|command not found|no such file)|interpreter.*(?:not found|no such file)", re.I
        ),
    ),
    (
        Cause.PYTHON_MISSING,
        re.compile(
            r"ansible requires a minimum of python|no python interpreters found|discovered python interpreter", re.I
        ),
    ),
    (Cause.DISK, re.compile(r"no space left on device|disk quota exceeded|read-only file system", re.I)),
)
"""First match wins."""

_BEFORE_MODULE = frozenset({Cause.SUDO, Cause.PYTHON_MISSING})
"""Causes that prove that a module never began."""

_REFUSED = re.compile(
    r"^(?:unsupported parameters|missing required arguments|one or more undefined variables)"
    r"|finalization of task args|error while resolving value|is undefined|couldn't resolve module",
    re.I,
)


def cause_of_unreachable(text: str) -> Cause:
    """Return why a host could not be reached: `host_key`, `auth`, else `unreachable`."""
    return next((cause for cause, pattern in _UNREACHABLE if pattern.search(text)), Cause.UNREACHABLE)


def cause_of_failure(text: str) -> Cause:
    """Return why a task failed: `sudo`, `python_missing`, `disk`, else `playbook_error`."""
    return next((cause for cause, pattern in _FAILED if pattern.search(text)), Cause.PLAYBOOK_ERROR)


def never_began(cause: Cause, text: str) -> bool:
    """Tell whether a failed module certainly did nothing on the host: it was refused before it was sent or started."""
    return cause in _BEFORE_MODULE or _REFUSED.search(text) is not None


def failure_text(res: Mapping[str, object]) -> str:
    """Return the words of a failed result: message, then module output, exception last."""
    keys = ("msg", "module_stderr", "module_stdout", "stderr", "exception", "reason")
    texts = (res.get(key) for key in keys)
    return "\n".join(text.strip() for text in texts if isinstance(text, str) and text.strip())
