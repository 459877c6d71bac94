"""Causes of failures that our own module could not report, read from where Ansible, OpenSSH, sudo and Python put them.

What a program on the host prints is never evidence: only the connection's own last words, the errno of an exception, and what
stands where a module's answer should be. The same words elsewhere (a banner, a user's task, a model's log) mean nothing. What
a module says in a result is told apart from what Ansible says: a module's own answer has its `invocation`, and Ansible puts
`Task failed: ` before each exception of its own.
Source: ansible-core 2.19 `plugins/connection/ssh.py`, `plugins/action/__init__.py`; tests/recordings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeGuard

from mgmt_ansible.domain.outcomes import Cause

_OUTER_WORDS = re.compile(
    r"^(?:Task failed: |Module failed: )*"
    r"(?:Failed to connect to the host via \S+: "
    r'|Data could not be sent to remote host "[^"]*"\. Make sure this host can be reached over ssh: )?'
)

_CONNECTION_LINES = (
    (Cause.HOST_KEY, re.compile(r"Host key verification failed\.")),
    (Cause.HOST_KEY, re.compile(r"No \S+ host key is known for \S+ and you have requested strict checking\.")),
    (Cause.AUTH, re.compile(r"(?:\S+: )?\S+@\S+: Permission denied \([\w,@.-]+\)\.")),
    (Cause.AUTH, re.compile(r"(?:Received d|D)isconnect\S* from .*: Too many authentication failures")),
    (Cause.AUTH, re.compile(r"Invalid/incorrect (?:username/)?password.*")),
    (Cause.AUTH, re.compile(r"Failed to add configured private key into ssh-agent\.")),
    (Cause.SUDO, re.compile(r"Timeout \(\d+s\) waiting for privilege escalation prompt:.*")),
)
"""Whole lines; first match wins: a changed host key is often followed by a refused password, never the other way round."""

_OWN_WORDS = "Task failed: "
"""Begins what Ansible says of an exception of its own (source: ansible-core 2.19 `errors`, `AnsibleTaskError`)."""

_PASSWORD = re.compile(r"(?:Missing|Incorrect) \S+ password")
"""All that Ansible says when its become plugin saw the other program refuse: nothing ran."""

_REFUSED_LINES = (
    (Cause.SUDO, re.compile(r"(?:sudo|su|doas): .*")),
    (Cause.SUDO, re.compile(r"Sorry, user \S+ is not allowed to execute .*")),
    (Cause.SUDO, re.compile(r"\S+ is not in the sudoers file\b.*")),
    (
        Cause.PYTHON_MISSING,
        re.compile(
            r"(?:\S+: )?(?:(?:line )?\d+: )?(?:exec: )?\S*python\S*: "
            r"(?:not found|command not found|No such file or directory|Permission denied)"
        ),
    ),
)
"""The last line on standard error of a module that printed no answer: who ended it there."""

_REFUSED_CODES = {Cause.SUDO: frozenset({1}), Cause.PYTHON_MISSING: frozenset({126, 127})}
"""What sudo, su and doas, and a shell that cannot start a program, exit with; what was killed never got that far to end so."""

_SIGNALED = range(129, 193)
"""What a shell ends with when a signal ended its command (source: POSIX shell, 2.8.2)."""

_INTERPRETER_GONE = re.compile(r"The module interpreter '[^']*' was not found\.")
"""Ansible's words for a module that printed no answer."""

_INTERPRETER_OLD = re.compile(
    r"ansible-core requires a minimum of Python version \S+ Current version: .*|No python interpreters found for host .*",
    re.DOTALL,
)
_NO_ROOM = re.compile(r"\[Errno (?:28|122|30)\] ")
"""ENOSPC, EDQUOT and EROFS as Python writes an exception of its own."""

_TRACEBACK = "Traceback (most recent call last):"
_OS_ERROR = re.compile(r"(?:OSError|IOError|BlockingIOError): \[Errno (?:28|122|30)\] .*")
"""The last line of a traceback of Python itself, which then exits with 1."""

_TRANSFER = re.compile(r"failed to (?:transfer file to|create temporary directory)\b", re.I)
_TRANSFER_NO_ROOM = re.compile(r": (?:No space left on device|Disk quota exceeded|Read-only file system)$", re.M)
"""Ansible's own `dd`, `scp` or `mkdir` on the host ends its line so."""

_PROSE_MODULES = frozenset({"fail", "assert", "debug", "command", "shell", "raw", "script", "expect"})
"""Their words are somebody else's: the playbook's author's, or another program's."""

_BEFORE_MODULE = frozenset({Cause.SUDO, Cause.PYTHON_MISSING})
"""Causes that prove that a module never began."""

_REFUSED_ARGUMENTS = re.compile(r"^(?:unsupported parameters|missing required arguments)\b", re.I)
"""A module's own first words, before its work."""

_REFUSED_TASK = re.compile(
    r"^(?:unsupported parameters|missing required arguments|one or more undefined variables)"
    r"|finalization of task args|error while resolving value|is undefined|couldn't resolve module",
    re.I,
)


def cause_of_unreachable(res: Mapping[str, object]) -> Cause:
    """Return why a host could not be reached: `host_key`, `auth`, `sudo`, else `unreachable`; `unknown` if a module says so."""
    if said_by_module(res):
        return Cause.UNKNOWN
    return _first(_CONNECTION_LINES, _lines(_OUTER_WORDS.sub("", _text(_lost(res), "msg")))) or Cause.UNREACHABLE


def said_by_module(res: Mapping[str, object]) -> bool:
    """Tell whether a module, and not Ansible, says that its host is unreachable: then it ran there."""
    said = _lost(res)
    if not _text(said, "msg"):
        return False
    return "invocation" in said or "exception" not in said or not _text(said, "msg").startswith(_OWN_WORDS)


def _lost(res: Mapping[str, object]) -> Mapping[str, object]:
    """Return what tells of the lost connection: of a loop, the item that lost it."""
    items = res.get("results")
    found = (item for item in items if isinstance(item, Mapping) and item.get("unreachable")) if _is_list(items) else ()
    return next(iter(found), res)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def cause_of_failure(module: str, res: Mapping[str, object]) -> Cause:
    """Return why a task failed: `sudo`, `python_missing`, `disk`; `unknown` for a silent end; else `playbook_error`.

    Args:
        module: Short name of the task's module.
        res: The failed result.
    """
    if module in _PROSE_MODULES and not _died(res):
        connection = None if "invocation" in res or "cmd" in res else _connection_cause(res)
        return connection or Cause.PLAYBOOK_ERROR
    return _connection_cause(res) or _interpreter_cause(res) or _room_cause(res) or _wordless(res)


def never_began(module: str, res: Mapping[str, object]) -> bool:
    """Tell whether a failed module certainly did nothing on the host: it was refused before it was sent or started."""
    if cause_of_failure(module, res) in _BEFORE_MODULE:
        return True
    if _died(res):
        return False
    words = _OUTER_WORDS.sub("", _text(res, "msg"))
    refused = _REFUSED_ARGUMENTS if "invocation" in res else _REFUSED_TASK
    return refused.search(words) is not None


def failure_text(res: Mapping[str, object]) -> str:
    """Return the words of a failed result: message, then module output, exception last."""
    keys = ("msg", "module_stderr", "module_stdout", "stderr", "exception", "reason")
    texts = (_text(res, key).strip() for key in keys)
    return "\n".join(text for text in texts if text and text != "(traceback unavailable)")


def failure_sentence(res: Mapping[str, object]) -> str:
    """Return the one line of a failed result that says most; may be empty.

    A connection's last line, what a module that gave no answer said last, or the first line of a message.
    """
    words = _lines(_OUTER_WORDS.sub("", _text(res, "msg")))
    if _died(res) and _text(res, "module_stderr").strip():
        return _lines(_text(res, "module_stderr"))[-1]
    if res.get("unreachable"):
        return words[-1] if words else ""
    return next(iter(words or _lines(failure_text(res))), "")


def _connection_cause(res: Mapping[str, object]) -> Cause | None:
    """Return what the connection says of a module that it could not start."""
    if not _died(res):
        return Cause.SUDO if _is_ansibles(res) and _PASSWORD.fullmatch(_own_words(res)) else None
    if _text(res, "module_stdout").strip():
        return None
    cause = _first(_REFUSED_LINES, _lines(_text(res, "module_stderr"))[-1:])
    return cause if cause is not None and res.get("rc") in _REFUSED_CODES[cause] else None


def _is_ansibles(res: Mapping[str, object]) -> bool:
    """Tell whether a failure is an exception of Ansible's own, and not what a module says of itself."""
    return "invocation" not in res and _text(res, "msg").startswith(_OWN_WORDS)


def _own_words(res: Mapping[str, object]) -> str:
    return _OUTER_WORDS.sub("", _text(res, "msg"))


def _interpreter_cause(res: Mapping[str, object]) -> Cause | None:
    gone = _died(res) and res.get("rc") in _REFUSED_CODES[Cause.PYTHON_MISSING]
    pattern = _INTERPRETER_GONE if gone else _INTERPRETER_OLD
    return Cause.PYTHON_MISSING if "invocation" not in res and pattern.fullmatch(_own_words(res)) else None


def _room_cause(res: Mapping[str, object]) -> Cause | None:
    """Return `disk` where an exception of Ansible, or the one that ended a module, has the errno."""
    if _died(res):
        lines = _lines(_text(res, "module_stderr"))
        raised = res.get("rc") == 1 and _TRACEBACK in lines and _OS_ERROR.fullmatch(lines[-1])
        return Cause.DISK if raised else None
    if not _is_ansibles(res):
        return None
    words = _own_words(res)
    sent = _TRANSFER.match(words) and _TRANSFER_NO_ROOM.search(words)
    return Cause.DISK if sent or _NO_ROOM.search(words) else None


def _wordless(res: Mapping[str, object]) -> Cause:
    """Return `unknown` for a module that a signal ended, or that ended without any word.

    As when sudo allows other commands only: its sentence then quotes the command with Ansible's own mark of success in it, and
    Ansible drops the line (2.19).
    """
    words = (_text(res, key).strip() for key in ("module_stdout", "module_stderr"))
    return Cause.UNKNOWN if _died(res) and (ended_by_signal(res) or not any(words)) else Cause.PLAYBOOK_ERROR


def ended_by_signal(res: Mapping[str, object]) -> bool:
    """Tell whether a signal ended what Ansible started on the host."""
    return res.get("rc") in _SIGNALED


def _died(res: Mapping[str, object]) -> bool:
    """Tell whether a module ended without an answer: Ansible then shows its raw output."""
    return "module_stderr" in res or "module_stdout" in res


def _first(table: Iterable[tuple[Cause, re.Pattern[str]]], lines: list[str]) -> Cause | None:
    return next((cause for cause, pattern in table if any(pattern.fullmatch(line) for line in lines)), None)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _text(res: Mapping[str, object], key: str) -> str:
    value = res.get(key)
    return value if isinstance(value, str) else ""
