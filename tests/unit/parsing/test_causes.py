"""Where the words of a cause must stand, and the same words elsewhere, which mean nothing."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.outcomes import Cause
from mgmt_ansible.parsing.causes import cause_of_failure, cause_of_unreachable, failure_text, never_began

SENT = 'Task failed: Data could not be sent to remote host "h1". Make sure this host can be reached over ssh: '
VIA = "Task failed: Failed to connect to the host via ssh: "


def died(
    stderr: str, *, stdout: str = "", msg: str = "Module result deserialization failed", rc: int = 1
) -> dict[str, object]:
    """Return what Ansible says of a module that printed no answer."""
    return {"msg": msg, "module_stderr": stderr, "module_stdout": stdout, "rc": rc}


@pytest.mark.parametrize(
    ("cause", "msg"),
    [
        (Cause.HOST_KEY, SENT + "No ED25519 host key is known for h1 and you have requested strict checking.\r\nHost key verification failed."),
        (Cause.AUTH, SENT + "a@h1: Permission denied (publickey,password)."),
        (Cause.AUTH, VIA + "Load key \"/k\": bad permissions\na@h1: Permission denied (publickey)."),
        (Cause.AUTH, VIA + "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\nDisconnected"),
        (Cause.AUTH, "Task failed: Invalid/incorrect username/password. Skipping remaining 3 retries to prevent account lockout:"),
        (Cause.SUDO, "Task failed: Timeout (12s) waiting for privilege escalation prompt: "),
        (Cause.UNREACHABLE, VIA + "ssh: connect to host h1 port 22: Connection timed out"),
        (Cause.UNREACHABLE, VIA + "Permission denied for robots. If host key verification failed, call us."),
        (Cause.UNREACHABLE, VIA + "scp: /srv/model: Permission denied"),
        (Cause.UNREACHABLE, "Task failed: I/O timeout (publickey)"),
    ],
)  # fmt: skip
def test_a_connection_speaks_in_whole_lines(cause, msg):
    """A banner's prose is none of them."""
    res = {"msg": msg, "unreachable": True, "exception": "(traceback unavailable)"}

    assert cause == cause_of_unreachable(res)
    assert cause == cause_of_unreachable({"msg": "One or more items failed", "results": [{"failed": True}, res]})


@pytest.mark.parametrize(
    "res",
    [
        {"msg": "Host key verification failed."},
        {"msg": VIA + "Host key verification failed."},
        {"msg": "a@h1: Permission denied (publickey).", "exception": "(traceback unavailable)"},
        {"msg": VIA + "Connection refused", "exception": "x", "invocation": {}},
        {"msg": "All items", "results": [{"msg": "Host key verification failed.", "unreachable": True}]},
    ],
)
def test_a_module_that_says_unreachable_proves_nothing(res):
    """It ran, so its host was reached; Ansible itself says it with its own beginning, and of an exception."""
    assert Cause.UNKNOWN == cause_of_unreachable({**res, "unreachable": True})


@pytest.mark.parametrize(
    ("cause", "res"),
    [
        (Cause.SUDO, {"msg": "Task failed: Missing sudo password"}),
        (Cause.SUDO, {"msg": "Task failed: Incorrect su password"}),
        (Cause.SUDO, died("sudo: sorry, you must have a tty to run sudo\n")),
        (Cause.SUDO, died("Sorry, user nobody is not allowed to execute '/bin/sh' as root on h1.\n")),
        (Cause.SUDO, died("\nbob is not in the sudoers file.  This incident will be reported.\n")),
        (Cause.PYTHON_MISSING, died("x", msg="The module interpreter '/usr/bin/python3' was not found.", rc=127)),
        (Cause.PYTHON_MISSING, died("sudo: unable to resolve host h1: Name or service not known\n/bin/sh: 1: /opt/python3: not found\n", rc=127)),
        (Cause.PYTHON_MISSING, {"msg": "ansible-core requires a minimum of Python version 3.8. Current version: 3.6.8 (x)", "failed": True}),
        (Cause.DISK, died("Traceback (most recent call last):\n  x\nOSError: [Errno 28] No space left on device\n")),
        (Cause.DISK, {"msg": "Task failed: Module failed: [Errno 28] No space left on device: '/srv/model'"}),
        (Cause.DISK, {"msg": "Task failed: failed to transfer file to /a /b:\n\ndd: error writing '/b': No space left on device\n2+0 records in"}),
        (Cause.DISK, {"msg": "Task failed: Failed to create temporary directory. stderr output: mkdir: cannot create directory '/x': No space left on device\n"}),
    ],
)  # fmt: skip
def test_a_failed_task_has_its_cause_from_the_right_place(cause, res):
    """The connection, the interpreter, or an errno."""
    assert cause == cause_of_failure("mgmt_deployment", res)


@pytest.mark.parametrize(
    "res",
    [
        {"msg": "non-zero return code", "stderr": "sudo: a password is required", "rc": 1, "cmd": "deploy"},
        {"msg": "the backup said: No space left on device"},
        {"msg": "ask Bob for the Missing sudo password, please"},
        died("sudo: unable to resolve host h1: Name or service not known\nTraceback:\nKeyError: 'x'\n"),
        died("sudo: a password is required\n", stdout="half an answer"),
        died("python3 train.py: OSError: [Errno 28] No space left\nKilled\n"),
        died("OSError: [Errno 28] No space left on device\n"),
        died("sudo: a password is required\n", rc=2),
        died("/bin/sh: 1: /opt/python3: not found\n"),
        died("", stdout="x", msg="The module interpreter '/usr/bin/python3' was not found."),
        {"msg": "The module interpreter '/usr/bin/python3' was not found.", "rc": 127},
        {"msg": "Missing sudo password"},
        {"msg": "Task failed: Missing sudo password", "invocation": {}},
        {"msg": "[Errno 28] No space left on device"},
        {"msg": "ansible-core requires a minimum of Python version 3.8. Current version: 3.6", "invocation": {}},
        died("/srv/train.py: line 3: python3: not found, so I use python\n"),
    ],
)
def test_the_same_words_elsewhere_are_nothing(res):
    """Near misses of `sudo`, `disk` and `python_missing`."""
    assert Cause.PLAYBOOK_ERROR == cause_of_failure("mgmt_deployment", res)


def test_a_module_that_ended_without_a_word_is_unknown():
    """There is nothing to judge by."""
    assert Cause.UNKNOWN == cause_of_failure("mgmt_package", died(""))


@pytest.mark.parametrize(
    "words", ["sudo: a password is required", "/bin/sh: 1: python3: not found", "OSError: [Errno 28] No space left"]
)
def test_a_module_that_a_signal_ended_is_unknown(words):
    """Neither sudo nor a shell nor Python ends so, whatever its last line says."""
    res = died(f"Traceback (most recent call last):\n{words}", rc=137)

    assert Cause.UNKNOWN == cause_of_failure("copy", res)
    assert not never_began("mgmt_deployment", res)


@pytest.mark.parametrize("module", ["fail", "assert", "shell", "command"])
def test_words_of_a_playbooks_author_are_no_errno(module):
    """An errno counts in an exception of Ansible's own, not in prose."""
    assert Cause.PLAYBOOK_ERROR == cause_of_failure(module, {"msg": "[Errno 28] No space left on device"})


def test_a_shell_task_that_sudo_refuses_is_sudo():
    """The connection speaks, whatever the task would have done."""
    assert Cause.SUDO == cause_of_failure("shell", {"msg": "Task failed: Missing sudo password"})


def test_a_module_that_died_with_such_words_may_have_worked():
    """`is undefined` in a traceback is not Ansible's refusal of a task."""
    assert not never_began("mgmt_deployment", died("jinja2: 'x' is undefined\n"))
    assert never_began("mgmt_deployment", {"msg": "Finalization of task args failed: 'x' is undefined"})
    assert never_began("mgmt_deployment", {"msg": "Unsupported parameters for (x): y", "invocation": {}})
    assert not never_began("mgmt_deployment", {"msg": "'x' is undefined", "invocation": {}})


def test_a_traceback_that_is_not_there_is_not_shown():
    """Ansible 2.19 says so in words."""
    assert "boom" == failure_text({"msg": "boom", "exception": "(traceback unavailable)"})
