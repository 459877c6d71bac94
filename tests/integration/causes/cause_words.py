"""The words of each cause, which prove nothing where they do not belong."""

from __future__ import annotations

from mgmt_ansible.domain.outcomes import Cause

WORDS = {
    Cause.NO_HOSTS: "[ERROR]: Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
    Cause.UNREACHABLE: "ssh: connect to host 127.0.0.1 port 22: Connection refused",
    Cause.AUTH: "root@127.0.0.1: Permission denied (publickey).",
    Cause.HOST_KEY: "Host key verification failed.",
    Cause.SUDO: "sudo: a password is required",
    Cause.PYTHON_MISSING: "/bin/sh: 1: /usr/bin/python3: not found",
    Cause.DISK: "OSError: [Errno 28] No space left on device",
    Cause.PORT_IN_USE: "OSError: [Errno 98] Address already in use",
    Cause.ARTIFACT: f"the archive is damaged: sha256 {'0' * 64} instead of {'1' * 64}",
    Cause.DEPENDENCY: "ERROR: No matching distribution found for numpy>=1.24",
    Cause.OOM_KILLED: "Out of memory: Killed process 7 (python), signal 9 (SIGKILL), oom_kill 0 before, 1 after",
    Cause.NOT_READY: "the model server did not become ready: exit code 1, HTTP 503",
    Cause.WRONG_MODEL: f"another model answers: digest {'0' * 64}, LISTEN 127.0.0.1:1 users:((python,pid=7))",
    Cause.BAD_PREDICTION: "the smoke request was answered with other numbers: HTTP 200",
    Cause.TIMEOUT: "the run's time was over before this host reported: Timeout exceeded",
    Cause.CANCELED: "the run was canceled before this host reported",
    Cause.PLAYBOOK_ERROR: "[ERROR]: couldn't resolve module/action 'mgmt_deploymnt': 'x' is undefined",
}
"""Cause -> the line that proves it, or looks like it, where it stands in its own place."""
