"""A host on which things go wrong for real: private sshd, real Ansible, the real module, small real models."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import yaml
from mgmt_host.content import environments, packages, runtimes
from mgmt_host.layout import Layout
from mgmt_host.machine import durable_files
from mgmt_host.running import slots

from mgmt_ansible.adapters.worker_pools import ThreadWorkers
from mgmt_ansible.domain.actions import ActionSpec, ActionType, Claim
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding, Supervision, Traffic
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.plans import Plan
from mgmt_ansible.domain.runs import RunOutcome
from mgmt_ansible.execution.inventories import AnsibleInventory
from mgmt_ansible.execution.runs import RunExecutor
from mgmt_ansible.plugins.ansible import AnsiblePlugin
from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.loopback_runs import ENVIRONMENT, Cancel, Steps, make_installation, make_spec

ROOT = Path(__file__).resolve().parents[3]
DEPLOYMENT = "faulty"
ROWS = [[1.0, 2.0], [3.0, 4.0]]
REQUEST = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [2, 2], "data": ROWS}]}


class FaultSite:
    """One loopback host, one base directory, and what an agent does with them.

    Attributes:
        folder: Scratch, of this test alone.
        base_dir: On the host; its runtime environment is lent by the test's own interpreter.
        variables: Inventory variables of the host; a test may change them.
        names: Inventory name -> variables of its own; all are the same host. A test may add some.
        binding: As the agent's configuration has it; a test may replace it.
    """

    def __init__(self, folder: Path, host: LoopbackHost) -> None:
        self.folder = folder
        self.host = host
        self.base_dir = folder / "base"
        self.variables = host.host_variables()
        self.names: dict[str, dict[str, object]] = {"loopback": {}}
        self.binding = EnvironmentBinding(
            environment_id=ENVIRONMENT,
            inventory=folder / "inventory.yml",
            base_dir=str(self.base_dir),
            bind_address="127.0.0.1",
            boot_start=False,
            supervision=Supervision.PROCESS,
            traffic=Traffic.NONE,
        )
        self.watch = None
        self._archives: dict[str, Path] = {}

    @property
    def layout(self) -> Layout:
        return Layout.at(self.binding.base_dir)

    def lend_environment(self, first: str = ":") -> None:
        """Let the host's runtime be this interpreter; a line of shell runs before it, with `$3` the verb and `$4` the slot."""
        self.layout.make()
        python = Path(self.layout.path("environments", environments.key(runtimes.ONNX.requirements), "bin", "python"))
        python.parent.mkdir(parents=True, exist_ok=True)
        durable_files.write_text(str(python), f'#!/bin/sh\n{first}\nexec {sys.executable} "$@"\n', 0o700)
        durable_files.write_json(str(python.parents[1] / "environment.json"), {})

    def serve_by(self, program: str) -> None:
        """Let a Python program of the test be the model server; it gets the slot's folder as its argument."""
        path = self.folder / "server.py"
        path.write_text(program)
        self.lend_environment(f'if [ "$3" = serve ]; then exec {sys.executable} {path} "$4"; fi')

    def package(self, factor: float = 2.0, *, name: str = "package", **manifest: object) -> ModelPackage:
        """Make a package of a model that multiplies; its archive is in the agent's cache."""
        source = self.folder / name
        source.mkdir()
        write_model(source / "model.onnx", factor)
        described = {"schema": 1, "runtime": "onnx", "model": "model.onnx", **manifest}
        (source / "model-package.json").write_text(json.dumps(described))
        return self.pack(source)

    def pack(self, source: Path) -> ModelPackage:
        archive = source.with_suffix(".tar.gz")
        with tarfile.open(archive, "w:gz") as stream:
            for path in sorted(source.iterdir()):
                stream.add(path, arcname=path.name)
        rows, opened = packages.measure(str(source))
        for stream in opened:
            stream.close()
        digest = packages.manifest_digest(rows)
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        self._archives[sha256] = archive
        return ModelPackage(
            id="1" * 24, name="mul", version=source.name, digest=digest, archive_sha256=sha256,
            archive_bytes=archive.stat().st_size, runtime=Runtime.ONNX,
        )  # fmt: skip

    def archive(self, package: ModelPackage) -> Path:
        return self._archives[package.archive_sha256]

    def launch(self, package: ModelPackage | None = None, **changes: object) -> HostOutcome:
        """Launch a package and return what the host made of it."""
        return self.act(ActionType.DEPLOYMENT_LAUNCH, package or self.package(), **changes)

    def act(
        self,
        action_type: ActionType,
        package: ModelPackage | None = None,
        *,
        generation: int = 1,
        port: int | None = None,
        cancel: Callable[[], bool] = lambda: False,
        **changes: object,
    ) -> HostOutcome:
        """Perform an action of one wave and return what its one host made of it."""
        (host,) = self.act_on_all(
            action_type, package, generation=generation, port=port, cancel=cancel, **changes
        ).values()
        return host

    def act_on_all(
        self,
        action_type: ActionType,
        package: ModelPackage | None = None,
        *,
        generation: int = 1,
        port: int | None = None,
        cancel: Callable[[], bool] = lambda: False,
        **changes: object,
    ) -> Mapping[str, HostOutcome]:
        """Perform an action of one wave and return what each host made of it."""
        target = DeploymentTarget(id=DEPLOYMENT, label="Faulty", generation=generation, package=package, port=port)
        values = {"deployment": target, "ready_timeout_seconds": 20.0, "timeout_seconds": 120.0, **changes}
        _, (outcome,) = self.perform(make_spec(action_type, **values), cancel)
        return outcome.hosts

    def perform(self, spec: ActionSpec, cancel: Callable[[], bool] = lambda: False) -> tuple[Plan, list[RunOutcome]]:
        """Plan and run an action as an agent does."""
        inventory = {"all": {"hosts": {name: {**self.variables, **own} for name, own in self.names.items()}}}
        Path(self.binding.inventory).write_text(yaml.safe_dump(inventory))
        bindings = {ENVIRONMENT: self.binding}
        installation, inherited = make_installation(), dict(os.environ)
        resolver = AnsibleInventory(bindings=bindings, installation=installation, inherited=inherited)
        executor = RunExecutor(
            bindings=bindings,
            installation=installation,
            content_path=ROOT,
            archive_path=self._archives.__getitem__,
            inherited=inherited,
            watch=self.watch,
        )
        workers = ThreadWorkers(executor.execute, size=1)
        try:
            plugin = AnsiblePlugin(bindings=bindings, inventory=resolver, workers=workers)
            plan = plugin.plan(spec)
            claim = Claim(spec=spec, attempt=1, expires_at=spec.requested_at, heartbeat_seconds=60)
            done = plugin.perform(claim, plan, Steps(), Cancel(cancel))
        finally:
            workers.close()
        return plan, [outcome for _, outcome in done]

    def use_content(self, name: str, playbook: str) -> None:
        """Let the user's own playbook come before ours."""
        (self.folder / "content" / "playbooks").mkdir(parents=True)
        (self.folder / "content" / "playbooks" / f"{name}.yml").write_text(playbook)
        self.binding = replace(self.binding, content_path=self.folder / "content")

    def use_tasks(self, tasks: str, *, become: bool = False) -> None:
        """Let the user's own launch playbook run these tasks and nothing else."""
        header = f"- name: Theirs\n  hosts: all\n  gather_facts: false\n  become: {str(become).lower()}\n  tasks:\n"
        self.use_content("deployment_launch", header + tasks)

    def use_role(self, name: str, tasks: str, modules: Mapping[str, str]) -> None:
        """Let the user's own launch playbook be a role with modules of its own, which come before ours of the same name."""
        self.use_content(
            "deployment_launch", f"- name: Theirs\n  hosts: all\n  gather_facts: false\n  roles: [{name}]\n"
        )
        role = self.folder / "content" / "roles" / name
        for folder in ("tasks", "library"):
            (role / folder).mkdir(parents=True)
        (role / "tasks" / "main.yml").write_text(tasks)
        for module, program in modules.items():
            (role / "library" / f"{module}.py").write_text(program)

    def own(self) -> object:
        return self.layout.deployment(DEPLOYMENT)

    def stop_all(self) -> None:
        """Stop whatever still runs."""
        for slot in slots.list_places(self.layout.deployment(DEPLOYMENT)):
            with suppress(FileNotFoundError):  # a module that outlived its run may sweep it at this moment
                slots.stop(slot, 2.0)


def write_model(path: Path, factor: float) -> None:
    import onnx  # noqa: PLC0415 - heavy
    from onnx import TensorProto, helper  # noqa: PLC0415

    node = helper.make_node("Mul", ["X", "factor"], ["Y"])
    constant = helper.make_tensor("factor", TensorProto.FLOAT, [1], [factor])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "XY"]
    graph = helper.make_graph([node], "mul", [ends[0]], [ends[1]], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


def said(host: HostOutcome, kind: str) -> str:
    """Return the texts of one kind of evidence."""
    return "\n".join(one.text for one in host.evidence if one.kind == kind)


def assert_cause(host: HostOutcome, outcome: Outcome, cause: Cause | None) -> None:
    """Compare outcome and cause; what the host said is in the failure's message."""
    assert (outcome, cause) == (host.outcome, host.cause), host
