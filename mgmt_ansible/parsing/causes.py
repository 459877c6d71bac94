"""Causes of failures that our own module could not report, read from where Ansible, OpenSSH, sudo and Python put them.

What a program on the host prints is never evidence: only the connection's own last words, the errno of an exception, and what
stands where a module's answer should be. The same words elsewhere (a banner, a user's task, a model's log) mean nothing.
Source: ansible-core 2.19 `plugins/connection/ssh.py`, `plugins/action/__init__.py`; tests/recordings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

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

_INTERPRETER = re.compile(
    r"The module interpreter '[^']*' was not found\."
    r"|ansible-core requires a minimum of Python version .*"
    r"|No python interpreters found for host .*",
    re.DOTALL,
)
_NO_ROOM = re.compile(r"\[Errno (?:28|122|30)\] ")
"""ENOSPC, EDQUOT and EROFS as Python writes an exception of its own."""
_TRANSFER = re.compile(r"failed to (?:transfer file to|create temporary directory)\b", re.I)
_TRANSFER_NO_ROOM = re.compile(r": (?:No space left on device|Disk quota exceeded|Read-only file system)$", re.M)
"""Ansible's own `dd`, `scp` or `mkdir` on the host ends its line so."""

_PROSE_MODULES = frozenset({"fail", "assert", "debug", "command", "shell", "raw", "script", "expect"})
"""Their words are somebody else's: the playbook's author's, or another program's."""

_BEFORE_MODULE = frozenset({Cause.SUDO, Cause.PYTHON_MISSING})
"""Causes that prove that a module never began."""

_REFUSED_TASK = re.compile(
    r"^(?:unsupported parameters|missing required arguments|one or more undefined variables)"
    r"|finalization of task args|error while resolving value|is undefined|couldn't resolve module",
    re.I,
)


def cause_of_unreachable(res: Mapping[str, object]) -> Cause:
    """Return why a host could not be reached: `host_key`, `auth`, `sudo`, else `unreachable`."""
    return _first(_CONNECTION_LINES, _lines(_OUTER_WORDS.sub("", _text(res, "msg")))) or Cause.UNREACHABLE


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
    return not _died(res) and _REFUSED_TASK.search(_text(res, "msg")) is not None


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
        return Cause.SUDO if _PASSWORD.fullmatch(_OUTER_WORDS.sub("", _text(res, "msg"))) else None
    if _text(res, "module_stdout").strip():
        return None
    return _first(_REFUSED_LINES, _lines(_text(res, "module_stderr"))[-1:])


def _interpreter_cause(res: Mapping[str, object]) -> Cause | None:
    return Cause.PYTHON_MISSING if _INTERPRETER.fullmatch(_OUTER_WORDS.sub("", _text(res, "msg"))) else None


def _room_cause(res: Mapping[str, object]) -> Cause | None:
    """Return `disk` where an exception of Ansible, or the one that ended a module, has the errno."""
    proofs = (_text(res, "msg"), *_lines(_text(res, "module_stderr"))[-1:], *_lines(_text(res, "exception"))[-1:])
    if any(_NO_ROOM.search(proof) for proof in proofs):
        return Cause.DISK
    words = _OUTER_WORDS.sub("", _text(res, "msg"))
    return Cause.DISK if _TRANSFER.match(words) and _TRANSFER_NO_ROOM.search(words) else None


def _wordless(res: Mapping[str, object]) -> Cause:
    """Return `unknown` for a module that ended without any word, as when sudo allows other commands only.

    sudo's sentence then quotes the command with Ansible's own mark of success in it, and Ansible drops the line (2.19).
    """
    words = (_text(res, key).strip() for key in ("module_stdout", "module_stderr"))
    return Cause.UNKNOWN if _died(res) and not any(words) else Cause.PLAYBOOK_ERROR


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
