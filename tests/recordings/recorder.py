"""Records runner events of real runs on a loopback host, scrubbed, one file a case: `scripts/record-runner-events`."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.execution.runs import RunExecutor
from mgmt_ansible.quickstart.loopback import LoopbackHost, free_port
from tests.integration import real_sudo
from tests.integration.loopback_runs import ENVIRONMENT, Cancel, Steps, make_content, make_installation, make_request

HERE = Path(__file__).parent
SHAPE_CASE = "success"
"""The case that is recorded again by a test."""

_DO = """
    - name: Do the action
      ansible.builtin.import_role: {name: deployment}
      vars:
        deployment_action: deployment_launch
        deployment_id: churn
        deployment_label: Churn
        deployment_base_dir: BASE
"""
_FAIL = "\n    - name: Refuse\n      ansible.builtin.fail: {msg: the operator said no}\n"
_RESCUED = """
    - name: Try
      block:
        - name: Refuse
          ansible.builtin.fail: {msg: not yet}
      rescue:
        - name: Go on
          ansible.builtin.debug: {msg: rescued}
"""
_PACKAGE = "\n    - name: Load\n      ansible.builtin.import_role: {name: deployment, tasks_from: package}\n"
_PING = "\n    - name: Reach\n      ansible.builtin.ping:\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recording: the playbook's tasks and what is different from the fine case."""

    tasks: str = _DO
    variables: Callable[[LoopbackHost, Path], dict[str, object]] = lambda host, folder: {}
    hosts: tuple[str, ...] = ("loopback",)
    timeout_seconds: float = 60.0
    cancel: bool = False
    pattern: str = "all"


def _with(**variables: object) -> str:
    return _DO + "".join(f"        deployment_{name}: {value}\n" for name, value in variables.items())


def _closed_port(host: LoopbackHost, folder: Path) -> dict[str, object]:
    return {"ansible_port": free_port()}


def _other_host_key(host: LoopbackHost, folder: Path) -> dict[str, object]:
    kind, key = host.user_key.with_suffix(".pub").read_text().split()[:2]
    known = folder / "known_hosts"
    known.write_text(f"[{host.address}]:{host.port} {kind} {key}\n")
    arguments = str(host.host_variables()["ansible_ssh_common_args"]).replace(str(host.known_hosts), str(known))
    return {"ansible_ssh_common_args": arguments + " -o ControlPath=none"}


def _refused_key(host: LoopbackHost, folder: Path) -> dict[str, object]:
    arguments = str(host.host_variables()["ansible_ssh_common_args"])
    return {
        "ansible_ssh_private_key_file": str(host.host_key),
        "ansible_ssh_common_args": arguments + " -o ControlPath=none",
    }


def _sudo(rules: str) -> Callable[[LoopbackHost, Path], dict[str, object]]:
    return lambda host, folder: real_sudo.become_variables(folder, rules)


CASES: dict[str, Case] = {
    "success": Case(),
    "unchanged": Case(tasks=_with(outcome="ok")),
    "result_failed": Case(tasks=_with(outcome="failed")),
    "package_failed": Case(tasks=_PACKAGE),
    "task_failed": Case(tasks=_FAIL + _DO),
    "task_failed_afterwards": Case(tasks=_DO + _FAIL),
    "task_ignored": Case(tasks=_FAIL + "      ignore_errors: true\n" + _DO),
    "task_rescued": Case(tasks=_RESCUED + _DO),
    "unreachable": Case(variables=_closed_port),
    "unreachable_ignored": Case(tasks=_PING + "      ignore_unreachable: true\n", variables=_closed_port),
    "host_key_changed": Case(variables=_other_host_key),
    "auth_refused": Case(variables=_refused_key),
    "python_missing": Case(variables=lambda host, folder: {"ansible_python_interpreter": "/nonexistent/python3"}),
    "sudo_password": Case(variables=_sudo("nobody ALL=(ALL) ALL\n")),
    "sudo_unknown_user": Case(variables=_sudo(real_sudo.NO_PASSWORD)),
    "sudo_not_allowed": Case(variables=_sudo(real_sudo.NO_PASSWORD + "nobody ALL=(ALL) /bin/true\n")),
    "sudo_wants_a_terminal": Case(
        variables=_sudo("Defaults requiretty\n" + real_sudo.NO_PASSWORD + "nobody ALL=(ALL) ALL\n")
    ),
    "module_killed": Case(tasks=_with(outcome="killed")),
    "unknown_module": Case(tasks="\n    - name: Mistype\n      mgmt_deploymnt:\n"),
    "syntax_error": Case(tasks="\n    - name: Mistype\n      nonsense\n"),
    "empty_limit": Case(hosts=("nobody",)),
    "no_result": Case(tasks=_PING),
    "timeout": Case(tasks=_with(sleep_seconds=20), timeout_seconds=3.0),
    "canceled": Case(tasks=_with(sleep_seconds=20), cancel=True),
    "big_result": Case(tasks=_with(print_characters=900_000)),
    "no_log": Case(tasks=_DO.replace("      vars:", "      no_log: true\n      vars:")),
    "no_hosts_in_play": Case(pattern="nobody"),
}


def record(name: str, host: LoopbackHost, folder: Path) -> list[Mapping[str, object]]:
    """Run one case and return its header and its events, scrubbed."""
    case = CASES[name]
    content = make_content(folder / "content", case.tasks.replace("BASE", str(folder)))
    playbook = content / "playbooks" / "deployment_status.yml"
    playbook.write_text(playbook.read_text().replace("hosts: all", f"hosts: {case.pattern}"))
    inventory = folder / "inventory.yml"
    variables = {**host.host_variables(), **case.variables(host, folder)}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"loopback": variables}}}))
    events: list[Mapping[str, object]] = []
    binding = EnvironmentBinding(environment_id=ENVIRONMENT, inventory=inventory)
    installation = make_installation()
    executor = RunExecutor(
        bindings={ENVIRONMENT: binding},
        installation=installation,
        content_path=content,
        archive_path=Path,
        inherited=dict(os.environ),
        watch=events.append,
    )
    request = make_request(hosts=case.hosts, timeout_seconds=case.timeout_seconds)
    cancel = Cancel(lambda: case.cancel and (folder / "holder").exists())
    outcome = executor.execute(request, Steps(), cancel)
    header = {
        "case": name,
        "status": outcome.status.value,
        "hosts": list(case.hosts),
        "ansible_core": installation.version,
        "ansible_runner": version("ansible-runner"),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
    }
    scrub = Scrubber(host, folder)
    return [header, *(scrub.event(event) for event in events if event.get("event") != "EOF")]


class Scrubber:
    """Takes machine, user, times and ids out of events; what stays compares between machines."""

    def __init__(self, host: LoopbackHost, folder: Path) -> None:
        self._texts = [
            (re.compile(r"/(?:dev/shm|tmp)/mgmt-ansible-[0-9a-z_-]+"), "/run"),
            (re.compile(re.escape(str(folder))), "/folder"),
            (re.compile(re.escape(str(host.directory))), "/sshd"),
            (re.compile(re.escape(str(Path(sys.prefix)))), "/venv"),
            (re.compile(re.escape(str(HERE.parent.parent))), "/checkout"),
            (re.compile(re.escape(str(Path.home()))), "/home/user"),
            (re.compile(rf"\b{re.escape(getpass.getuser())}@"), "user@"),
            (re.compile(rf"\b(on|at) {re.escape(socket.gethostname())}\b"), r"\1 host"),
            (re.compile(r"SHA256:[A-Za-z0-9+/]{43}"), "SHA256:fingerprint"),
            (re.compile(r"\bport \d+"), "port 2222"),
            (re.compile(r"\]:\d{2,5}"), "]:2222"),
            (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:\+00:00)?"), "2026-01-01T00:00:00"),
            (re.compile(r"ansible-tmp-[\d.-]+"), "ansible-tmp-1"),
        ]
        self._ids: dict[str, str] = {}

    def event(self, event: Mapping[str, object]) -> dict[str, object]:
        scrubbed = self._value(event)
        assert isinstance(scrubbed, dict)
        return scrubbed

    def _value(self, value: object, key: str = "") -> object:
        if isinstance(value, Mapping):
            return {name: self._value(item, str(name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if key.endswith("uuid") and isinstance(value, str):
            return self._ids.setdefault(value, f"id-{len(self._ids) + 1}")
        if key in ("pid", "duration", "start_line", "end_line"):
            return 1
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        for pattern, replacement in self._texts:
            text = pattern.sub(replacement, text)
        return text


def read(name: str) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return the header and the events of a committed recording."""
    lines = (HERE / f"{name}.jsonl").read_text().splitlines()
    header, *events = [json.loads(line) for line in lines]
    return header, events


def shape(events: list[Mapping[str, object]]) -> list[object]:
    """Return what two recordings of a case have in common: kinds, keys of the data and of the result."""
    rows: list[object] = []
    for event in events:
        data = event.get("event_data") or {}
        assert isinstance(data, dict)
        res = data.get("res")
        rows.append([event.get("event"), sorted(data), sorted(res) if isinstance(res, dict) else None])
    return rows


def main() -> None:
    """Record the named cases, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="*", choices=[*CASES, []], help="all when none is named")
    names = parser.parse_args().case or list(CASES)
    with tempfile.TemporaryDirectory() as directory, LoopbackHost(Path(directory) / "sshd") as host:
        for name in names:
            folder = Path(directory) / name
            folder.mkdir()
            lines = [json.dumps(line, sort_keys=True) + "\n" for line in record(name, host, folder)]
            (HERE / f"{name}.jsonl").write_text("".join(lines))
            sys.stdout.write(f"{name}: {len(lines) - 1} events\n")


if __name__ == "__main__":
    main()
