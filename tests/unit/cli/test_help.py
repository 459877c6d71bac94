"""Help: of every level, at once."""

from __future__ import annotations

import subprocess
import sys

NOUNS = (
    "environment",
    "package",
    "deployment",
    "event",
    "run",
    "host",
    "agent",
    "retention",
    "notification",
    "keyvalue",
)
PROGRAMS = ("up", "demo", "serve", "login")
VERBS = (
    *(
        ("deployment", verb)
        for verb in ["list", "show", "launch", "replace", "stop", "relaunch", "status", "cancel", "delete"]
    ),
    *(("package", verb) for verb in ["add", "list", "show", "download", "delete"]),
    *(("environment", verb) for verb in ["create", "list", "show", "status", "delete"]),
    ("event", "list"),
    *(("run", verb) for verb in ["list", "show", "export"]),
    *(("host", verb) for verb in ["list", "check", "trust"]),
    *(("agent", verb) for verb in ["list", "token", "example"]),
    ("notification", "test"),
    *(("notification", "channel", verb) for verb in ["list", "add", "change", "delete"]),
    *(("notification", "policy", verb) for verb in ["list", "add", "change", "delete"]),
    *(("notification", "mute", verb) for verb in ["list", "add", "remove"]),
    *(("notification", "log", verb) for verb in ["list", "show", "resend"]),
    *(("retention", verb) for verb in ["list", "set", "delete", "preview", "prune", "hold", "holds", "release"]),
)
HEAVY = (
    "mgmt_ansible.wire", "requests", "pydantic_settings", "fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "yaml",
    "ansible_runner", "paramiko", "rich.table", "rich.console", "numpy", "sklearn", "onnxruntime", "jinja2",
)  # fmt: skip

_PROBE = """
import sys
from mgmt_ansible.cli.program import app
for arguments in {lines!r}:
    try:
        app([*arguments, "--help"], prog_name="mgmt-ansible")
    except SystemExit as end:
        assert end.code == 0, (arguments, end.code)
print("heavy:", sorted(set(sys.modules) & set({heavy!r})))
"""


def test_help_of_every_level_imports_nothing_heavy():
    """Start-up time is a matter of imports; this is the list that costs."""
    lines = [(), *((noun,) for noun in (*NOUNS, *PROGRAMS)), *VERBS]

    done = subprocess.run(
        [sys.executable, "-c", _PROBE.format(lines=lines, heavy=HEAVY)], capture_output=True, text=True, check=False
    )

    assert "heavy: []" == done.stdout.splitlines()[-1]
