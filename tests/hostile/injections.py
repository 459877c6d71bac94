"""The injection matrix: every payload in every field of a run, over the real playbooks, a real sshd and a real Ansible.

A case fails when its canary file appears, on the control node or on the host (they are one machine here). The same check is
shown to be able to fail first: a text that is not marked unsafe must create its canary.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding, Supervision
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.runs import RunRequest
from mgmt_ansible.execution.ansible_options import ansible_cfg, run_environment
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.private_data import write_private
from mgmt_ansible.quickstart.loopback import LoopbackHost
from mgmt_ansible.rendering.runs import render_run
from tests.hostile.payloads import PAYLOADS, payload

ROOT = Path(__file__).resolve().parents[2]
FORKS = Path(__file__).with_name("playbook_forks.py")
ENVIRONMENT = "e" * 24
OBSERVED_AT_ONCE = 25

Put = Callable[[str], str]
"""Field -> the payload that stands in it, with a canary of its own."""

PACKAGE = ModelPackage(
    id="c" * 24,
    name="churn",
    version="1",
    digest="d" * 64,
    archive_sha256="f" * 64,
    archive_bytes=7,
    runtime=Runtime.ONNX,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run with a payload in each of its fields.

    Attributes:
        fields: Field -> path of its canary.
        reaches: Whether the run must end well, so that the texts have come all the way.
    """

    request: RunRequest
    fields: dict[str, Path]
    reaches: bool


@dataclass(slots=True)
class Tally:
    """What came out."""

    cases: int = 0
    fields: set[str] = field(default_factory=set)
    canaries: list[str] = field(default_factory=list)
    not_reached: list[str] = field(default_factory=list)


class Matrix:
    """Builds and runs cases on one loopback host."""

    def __init__(self, folder: Path, host: LoopbackHost, installation: Installation, *, workers: int = 2) -> None:
        self._folder = folder
        self._installation = installation
        self._host = host
        self._workers = workers
        self._canaries = folder / "c"
        self._canaries.mkdir()
        self._projects = [self._project(f"p{number}") for number in range(workers)]
        self.binding = EnvironmentBinding(
            environment_id=ENVIRONMENT,
            inventory=host.inventory,
            base_dir=str(folder / "base"),
            boot_start=False,
            supervision=Supervision.PROCESS,
        )
        self._config = folder / "ansible.cfg"
        write_private(self._config, ansible_cfg(self.binding))

    def cases(self, payloads: int) -> Iterator[Case]:
        """Yield every run of the matrix."""
        for number in range(payloads):
            for build in (self._free_text, self._free_text_on_host, self._package_fields, self._runtime, self._names):
                yield build(number)
        for start in range(0, payloads, OBSERVED_AT_ONCE):
            yield self._observed(range(start, min(payloads, start + OBSERVED_AT_ONCE)))

    def control(self) -> Case:
        """Return a run whose one payload is not marked unsafe: its canary must appear."""
        case = self._free_text_on_host(0)
        event = dict(case.request.variables["mgmt_event"])  # type: ignore[call-overload]
        command = f"touch {case.fields['deployment.label']}"
        deployment = {**event["deployment"], "label": "{{ lookup('pipe', '" + command + "') }}"}
        variables = {"mgmt_event": {**event, "deployment": deployment}}
        return replace(case, request=replace(case.request, variables=variables))

    def run(self, cases: Sequence[Case]) -> Tally:
        """Run cases, several at once, and count."""
        tally = Tally()
        shares = [list(enumerate(cases))[number :: self._workers] for number in range(self._workers)]
        with ThreadPoolExecutor(self._workers) as pool:
            for found in pool.map(self._run_share, self._projects, shares):
                tally.not_reached += found
        for case in cases:
            tally.cases += len(case.fields)
            tally.fields |= {name.partition("#")[0] for name in case.fields}
        tally.canaries = sorted(str(path.relative_to(self._folder)) for path in self._canaries.rglob("*"))
        return tally

    def _free_text(self, number: int) -> Case:
        """A launch in check mode: both roles get their texts, and no model is started."""

        def build(put: Put) -> ActionSpec:
            package = replace(PACKAGE, id=put("package.id"), name=put("package.name"), version=put("package.version"))
            deployment = DeploymentTarget(id="churn", label=put("deployment.label"), generation=1, package=package)
            return self._spec(ActionType.DEPLOYMENT_LAUNCH, deployment, put)

        return self._case(number, build, check=True, reaches=True)

    def _free_text_on_host(self, number: int) -> Case:
        """A stop, for real: the texts are written to the host's files."""

        def build(put: Put) -> ActionSpec:
            deployment = DeploymentTarget(id=f"d{number}", label=put("deployment.label"), generation=1)
            return self._spec(ActionType.DEPLOYMENT_STOP, deployment, put)

        return self._case(number, build, reaches=True)

    def _package_fields(self, number: int) -> Case:
        """A launch, for real, of a package whose digests are no digests."""

        def build(put: Put) -> ActionSpec:
            package = replace(PACKAGE, digest=put("package.digest"), archive_sha256=put("package.archive_sha256"))
            return self._launch(package, put)

        return self._case(number, build, lists=("settings.pip_arguments",))

    def _runtime(self, number: int) -> Case:
        def build(put: Put) -> ActionSpec:
            package = replace(PACKAGE)
            object.__setattr__(package, "runtime", put("package.runtime"))  # as if nothing had checked the name before
            return self._launch(package, put)

        return self._case(number, build)

    def _names(self, number: int) -> Case:
        """A stop of a deployment whose id is none, under a base directory that is none."""

        def build(put: Put) -> ActionSpec:
            deployment = DeploymentTarget(id=put("deployment.id"), label=put("deployment.label"), generation=1)
            return self._spec(ActionType.DEPLOYMENT_STOP, deployment, put)

        return self._case(number, build, texts=("settings.base_dir", "settings.bind_address"))

    def _observed(self, numbers: range) -> Case:
        """One status of many deployments, a payload in the id and the digest of each."""
        fields: dict[str, Path] = {}
        targets = []
        for number in numbers:
            put = self._putting(number, fields, suffix=f"#{number}")
            package = replace(PACKAGE, digest=put("deployments.digest"))
            targets.append(DeploymentTarget(id=put("deployments.id"), label="x", generation=1, package=package))
        spec = replace(self._spec(ActionType.ENVIRONMENT_STATUS, None, str), id="a" * 24, deployments=tuple(targets))
        return Case(request=self._render(spec, self.binding, check=False), fields=fields, reaches=False)

    def _launch(self, package: ModelPackage, put: Put) -> ActionSpec:
        deployment = DeploymentTarget(id="churn", label=put("deployment.label"), generation=1, package=package)
        return self._spec(ActionType.DEPLOYMENT_LAUNCH, deployment, put)

    def _spec(self, kind: ActionType, deployment: DeploymentTarget | None, put: Put) -> ActionSpec:
        return ActionSpec(
            id=put("action_id"),
            type=kind,
            environment_id=ENVIRONMENT,
            environment_name=put("environment.name"),
            deployment=deployment,
            requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    def _case(
        self,
        number: int,
        build: Callable[[Put], ActionSpec],
        *,
        check: bool = False,
        reaches: bool = False,
        texts: tuple[str, ...] = (),
        lists: tuple[str, ...] = (),
    ) -> Case:
        fields: dict[str, Path] = {}
        put = self._putting(number, fields)
        own = {name.rpartition(".")[2]: put(name) for name in texts}
        many = {name.rpartition(".")[2]: (put(name),) for name in lists}
        binding = replace(self.binding, **own, **many)  # type: ignore[arg-type]
        return Case(request=self._render(build(put), binding, check=check), fields=fields, reaches=reaches)

    def _putting(self, number: int, fields: dict[str, Path], suffix: str = "") -> Put:
        """Return what puts another payload into each field, so that over all numbers every field has had every one."""

        def put(name: str) -> str:
            place = self._canaries / f"{number}-{len(fields)}-{name}"
            fields[name + suffix] = place
            return payload(number + len(fields) * (1 if not suffix else 0), str(place))

        return put

    def _render(self, spec: ActionSpec, binding: EnvironmentBinding, *, check: bool) -> RunRequest:
        request = render_run(spec, attempt=1, hosts=("loopback",), run_id="b" * 24, binding=binding)
        return replace(request, check=check)

    def _run_share(self, project: Path, share: list[tuple[int, Case]]) -> list[str]:
        """Run cases one by one; return those that did not come all the way though they should."""
        if not share:
            return []
        with self._start_forks() as forks:
            assert forks.stdin is not None
            assert forks.stdout is not None
            missed = []
            for number, case in share:
                log = project / "log"
                arguments = self._arguments(project, case.request)
                call = {"arguments": arguments, "folder": str(project), "log": str(log)}
                forks.stdin.write(json.dumps(call) + "\n")
                forks.stdin.flush()
                code = forks.stdout.readline().strip()
                if case.reaches and code != "0":
                    missed.append(f"case {number} ended with {code}: {log.read_text(errors='replace')[-1500:]}")
            forks.stdin.close()
        return missed

    def _start_forks(self) -> subprocess.Popen[str]:
        environment = run_environment(self.binding, self._installation.environment, {}, config=self._config)
        return subprocess.Popen(
            [interpreter_of(self._installation), str(FORKS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "ANSIBLE_PERSISTENT_CONTROL_PATH_DIR": str(self._folder)},
            text=True,
        )

    def _arguments(self, project: Path, request: RunRequest) -> list[str]:
        variables = project / "extravars"
        variables.write_text(json.dumps(request.variables))
        (project / "limit").write_text("".join(f"{host}\n" for host in request.hosts))
        options = ["--check"] if request.check else []
        common = ["-i", str(self._host.inventory), "--limit", f"@{project / 'limit'}", "-e", f"@{variables}"]
        return [*options, *common, str(project / f"{request.playbook}.yml")]

    def _project(self, name: str) -> Path:
        project = self._folder / name
        shutil.copytree(ROOT / "playbooks", project)
        (project / "roles").symlink_to(ROOT / "roles")
        (project / "files").mkdir()
        (project / "files" / "package").write_bytes(b"archive")
        return project


def interpreter_of(installation: Installation) -> str:
    """Return the Python that an installation's `ansible-playbook` names in its first line."""
    first = installation.executable("ansible-playbook").read_text().partition("\n")[0]
    return first.removeprefix("#!").strip()


def main(arguments: Sequence[str]) -> int:
    """Run the matrix; the last line is the verdict."""
    parser = argparse.ArgumentParser(prog="scripts/injections", description=__doc__)
    parser.add_argument("--payloads", type=int, default=300, help=f"how many; there are {len(PAYLOADS)}")
    parser.add_argument("--bin-dir", type=Path, help="directory of another interpreter's Ansible")
    parser.add_argument("--workers", type=int, default=2, help="runs at once")
    options = parser.parse_args(arguments)
    installation = Installation(bin_dir=options.bin_dir and options.bin_dir.absolute(), inherited=os.environ)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="injections-") as name:
        folder = Path(name)
        with LoopbackHost(folder / "sshd") as host:
            matrix = Matrix(folder, host, installation, workers=options.workers)
            if not _can_fail(matrix):
                sys.stdout.write("injections: the check cannot fail: a text that is not marked created no canary\n")
                return 1
            tally = matrix.run(list(matrix.cases(options.payloads)))
    _print(tally, options.payloads, installation.version, time.monotonic() - began)
    return 1 if tally.canaries or tally.not_reached else 0


def _can_fail(matrix: Matrix) -> bool:
    case = matrix.control()
    matrix.run([case])
    found = [path for path in case.fields.values() if path.exists()]
    for path in found:
        path.unlink()
    return bool(found)


def _print(tally: Tally, payloads: int, version: str, seconds: float) -> None:
    lines = [f"  {line}" for line in [*tally.canaries[:20], *tally.not_reached[:5]]]
    missed = f", runs that did not arrive {len(tally.not_reached)}" if tally.not_reached else ""
    lines.append(f"control: one text that was not marked unsafe created its canary; {seconds:.0f} s")
    lines.append(
        f"injections: {payloads} payloads x {len(tally.fields)} fields on ansible-core {version}: {tally.cases} cases, "
        f"canaries {len(tally.canaries)}{missed}"
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
