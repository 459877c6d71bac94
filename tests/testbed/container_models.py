"""Packages that are served in containers, on a test host, through the agent's own side: planner, runner and roles over ssh."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.environments import ContainerEngine, EnvironmentBinding, Traffic
from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.domain.outcomes import HostOutcome
from tests.testbed import acting, plans, ssh
from tests.testbed.commands import wait_until
from tests.testbed.containers import IMAGE
from tests.testbed.hosts import Host
from tests.unit.mgmt_host.served_packages import ECHO, ROWS, pack, times

ECHO_IMAGE = "mgmt-test/echo:1"
PPS_IMAGE = "mgmt-test/pps:1"
_DEAF_IMAGE = "mgmt-test/deaf:1"
RECORDS = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
_PPS = plans.ROOT / "tests" / "unit" / "mgmt_host" / "pps_look_alike.py"
_ECHO_START = ["python3", "/srv/server.py", "--address", "0.0.0.0", "--port", "8080", "--factor"]
_PPS_START = ["python3", "/srv/server.py", "--address", "0.0.0.0", "--port", "8080", "--folder", "/opt/ml/model"]
_READY_SECONDS = 120.0


class ContainerHost:
    """One host with an engine, as the agent's configuration has it.

    Args:
        host: Which.
        folder: Where packages are made.
        become: Whether plays become root: podman has rootless containers without it.
        traffic: What holds the stable port.
        deployment: Id of what is acted on unless it is said; a name for each test of a host.
    """

    def __init__(
        self, host: Host, folder: Path, *, become: bool = False, deployment: str = "d1", traffic: Traffic = Traffic.AUTO
    ) -> None:
        self.host, self.folder, self.become, self.deployment = host, folder, become, deployment
        self.engine = "sudo podman" if host.kind == "podman" and become else host.kind
        self.binding = EnvironmentBinding(
            environment_id=acting.ENVIRONMENT,
            inventory=host.plan.state / "inventory.yml",
            pattern=host.name,
            ansible_cfg=host.plan.state / "ansible.cfg",
            become=become,
            bind_address="127.0.0.1",
            traffic=traffic,
            container_engine=ContainerEngine(host.kind),
            runtimes=(Runtime.CONTAINER, Runtime.PPS),
        )

    def act(
        self, action: ActionType, generation: int, package: tuple | None = None, deployment: str = ""
    ) -> HostOutcome:
        """Plan and perform an action as the agent does; return what the host made of it."""
        archive = package[0] if package else None
        spec = acting.make_spec(
            action,
            deployment or self.deployment,
            generation,
            archive,
            ready_timeout_seconds=_READY_SECONDS,
            stop_timeout_seconds=2.0,
            minimum_healthy_seconds=0.0,
        )
        return acting.perform(self.host.name, self.binding, spec, archive)

    def ask(self, outcome: HostOutcome, question: object = ROWS) -> object:
        """Return what the deployment's own URL answers, asked on the host; an error's text where none does."""
        assert outcome.identity is not None, outcome
        ask = (
            "import sys, urllib.request as u; "
            f"print(u.urlopen(u.Request('{outcome.identity.url}', sys.stdin.buffer.read(), "
            "{'Content-Type': 'application/json'}), timeout=60).read().decode())"
        )
        done = self.host.ssh(f'python3 -c "{ask}"', stdin=json.dumps(question), check=False)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def wait_for(self, outcome: HostOutcome, wanted: object, question: object = ROWS) -> None:
        """Wait until the deployment answers so."""
        wait_until(lambda: self.ask(outcome, question) == wanted, f"{self.host.name} to answer {wanted}")

    def run(self, words: str, *, check: bool = True) -> str:
        """Say something to the engine; return what it says."""
        return self.host.ssh(f"{self.engine} {words}", check=check, seconds=180).stdout.strip()

    def containers(self) -> list[str]:
        """Return the names of our containers, running or not."""
        return sorted(self.run("ps --all --filter name=mgmt-ansible --format '{{.Names}}'").split())

    def build(self, name: str, files: dict[str, bytes], last: str) -> None:
        """Build an image on the base one, without any registry."""
        folder = self.folder / name.replace("/", "-").replace(":", "-")
        folder.mkdir(parents=True, exist_ok=True)
        text = f"FROM {IMAGE}\n{''.join(f'COPY {file} /srv/{file}{chr(10)}' for file in files)}{last}\n"
        for file, content in {**files, "Dockerfile": text.encode()}.items():
            (folder / file).write_bytes(content)
        with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as packer:
            words = ["ssh", "-F", self.host.plan.ssh_config, f"{ssh.USER}@{self.host.name}"]
            words.append(f"{self.engine} build -q -t {name} -")
            subprocess.run(words, stdin=packer.stdout, stdout=subprocess.DEVNULL, check=True, timeout=300)

    def build_echo(self) -> None:
        """Build the image of a server that multiplies; what follows its name says by how much."""
        # Python as first process does not hear SIGTERM, and each stop would take all the time it may
        self.build(ECHO_IMAGE, {"server.py": ECHO}, f"STOPSIGNAL SIGINT\nENTRYPOINT {json.dumps(_ECHO_START)}")

    def build_pps(self) -> None:
        """Build an image of the look-alike, which runs as an account of its own, as the real one does."""
        last = f"RUN useradd -u 4093 pps && mkdir -p /opt/ml/model\nUSER 4093\nENTRYPOINT {json.dumps(_PPS_START)}"
        self.build(PPS_IMAGE, {"server.py": _PPS.read_bytes()}, last)

    def pps(self, name: str, factor: float, **serve: object) -> tuple:
        """Return a package of a model that adds its columns up and multiplies."""
        smoke = {"request": RECORDS, "answer": {"data": [{"prediction": factor * 3.0}, {"prediction": factor * 7.0}]}}
        serve = {"image": PPS_IMAGE, **serve}
        manifest = {"schema": 1, "runtime": "pps", "model": "model.mlpkg", "serve": serve, "smoke": smoke}
        return pack(self.folder / name, manifest, {"model.mlpkg": json.dumps({"factor": factor}).encode()})

    def echo(self, factor: float, name: str = "", files: dict[str, bytes] | None = None, **serve: object) -> tuple:
        """Return a package of that image, or of another one that `serve` says."""
        said = {"image": ECHO_IMAGE, "port": 8080, "arguments": [str(factor)], "health_path": "/health", **serve}
        manifest = {
            "schema": 1,
            "runtime": "container",
            "model": "model.txt",
            "serve": {**{key: value for key, value in said.items() if value is not None}, "predict_path": "/predict"},
            "smoke": {"request": ROWS, "answer": times(factor)},
        }
        files = {"model.txt": str(factor).encode(), **(files or {})}
        return pack(self.folder / (name or f"echo-{factor}"), manifest, files)


def whole_life(host: Host, folder: Path, *, become: bool = False, traffic: Traffic = Traffic.AUTO) -> None:
    """Launch, replace, kill the container's process, reboot the host, stop: the right model answers on one port."""
    managed = ContainerHost(host, folder, become=become, deployment="life", traffic=traffic)
    managed.build_echo()
    launched = managed.act(ActionType.DEPLOYMENT_LAUNCH, 1, managed.echo(2.0))
    assert launched.outcome == "changed", launched
    assert managed.ask(launched) == times(2.0)
    replaced = managed.act(ActionType.DEPLOYMENT_REPLACE_MODEL, 2, managed.echo(3.0, read_only=True))
    assert replaced.outcome == "changed", replaced
    assert launched.identity is not None
    assert replaced.identity is not None
    assert replaced.identity.port == launched.identity.port
    assert managed.ask(replaced) == times(3.0)
    host.ssh(f"sudo kill -9 {replaced.identity.pid}")
    managed.wait_for(replaced, times(3.0))
    host.reboot()
    managed.wait_for(replaced, times(3.0))
    (name,) = managed.containers()
    seen = managed.act(ActionType.DEPLOYMENT_STATUS, 2, managed.echo(3.0, "again", read_only=True))
    assert seen.outcome == "ok", seen
    stopped = managed.act(ActionType.DEPLOYMENT_STOP, 3)
    assert stopped.outcome == "changed", stopped
    assert managed.containers() == [], name
    assert host.enter("ss", "-ltnH", f"sport = :{replaced.identity.port}").stdout == ""
    assert (
        host.enter(
            "sh", "-c", f"ls /etc/systemd/system /home/*/.config/systemd/user 2>&1 | grep {name}", check=False
        ).stdout
        == ""
    )


def a_reboot_waits_for_no_deaf_server(host: Host, folder: Path, *, become: bool = False) -> None:
    """A first process that does not hear SIGTERM is killed after the deployment's own time, just launched and after a boot."""
    managed = ContainerHost(host, folder, become=become, deployment="deaf", traffic=Traffic.NONE)
    managed.build(_DEAF_IMAGE, {"server.py": ECHO}, f"ENTRYPOINT {json.dumps(_ECHO_START)}")
    launched = managed.act(ActionType.DEPLOYMENT_LAUNCH, 1, managed.echo(2.0, image=_DEAF_IMAGE))
    assert launched.outcome == "changed", launched
    for _ in range(2):
        host.reboot()
        managed.wait_for(launched, times(2.0))
        assert "" == host.ssh("sudo journalctl -b -1 -q --no-pager | grep 'timed out. Killing'", check=False).stdout
    stopped = managed.act(ActionType.DEPLOYMENT_STOP, 2)
    assert stopped.outcome == "changed", stopped
    assert managed.containers() == []


def a_failure_leaves_the_old_model(host: Host, folder: Path, *, become: bool = False) -> None:
    """A container that needs more memory than it may have is told as such; a carried image needs no registry."""
    managed = ContainerHost(host, folder, become=become, deployment="failure")
    managed.build_echo()
    managed.run(f"save {ECHO_IMAGE} -o /tmp/image.tar")
    host.ssh("sudo chmod 644 /tmp/image.tar")
    tar = subprocess.run(
        ["ssh", "-F", host.plan.ssh_config, f"{ssh.USER}@{host.name}", "gzip -1 </tmp/image.tar; sudo rm /tmp/image.tar"],
        capture_output=True, check=True, timeout=300,
    ).stdout  # fmt: skip
    managed.run(f"rmi {ECHO_IMAGE}")
    carried = managed.echo(2.0, "carried", {"image.tar.gz": tar}, image=None, image_tar="image.tar.gz")
    launched = managed.act(ActionType.DEPLOYMENT_LAUNCH, 1, carried)
    assert launched.outcome == "changed", launched
    assert managed.ask(launched) == times(2.0)
    managed.build("mgmt-test/hungry:1", {}, """CMD ["python3", "-c", "bytearray(300 << 20)"]""")
    hungry = managed.echo(3.0, image="mgmt-test/hungry:1", arguments=None, resources={"memory_bytes": 64 << 20})
    failed = managed.act(ActionType.DEPLOYMENT_REPLACE_MODEL, 2, hungry)
    assert (failed.outcome, failed.cause, failed.old_model_in_use) == ("failed", "oom_killed", True), failed
    assert managed.ask(launched) == times(2.0)
    stopped = managed.act(ActionType.DEPLOYMENT_STOP, 3)
    assert stopped.outcome == "changed", stopped
    assert managed.containers() == []


def many_in_one(host: Host, folder: Path, *, become: bool = False) -> None:
    """Two deployments share a container of the look-alike: a replacement, a kill and a stop, and the other one answers."""
    managed = ContainerHost(host, folder, become=become)
    managed.build_pps()

    def act(action: ActionType, deployment: str, generation: int, package: tuple | None = None) -> HostOutcome:
        outcome = managed.act(action, generation, package, deployment)
        assert outcome.outcome == "changed", outcome
        return outcome

    def answers(outcome: HostOutcome, factor: float) -> None:
        said = managed.ask(outcome, RECORDS)
        assert isinstance(said, dict), said
        assert [row["prediction"] for row in said["data"]] == [factor * 3.0, factor * 7.0]

    one = act(ActionType.DEPLOYMENT_LAUNCH, "one", 1, managed.pps("p2", 2.0, multi_model=True))
    two = act(ActionType.DEPLOYMENT_LAUNCH, "two", 1, managed.pps("p3", 3.0, multi_model=True))
    replaced = act(ActionType.DEPLOYMENT_REPLACE_MODEL, "one", 2, managed.pps("p5", 5.0, multi_model=True))
    answers(replaced, 5.0)
    answers(two, 3.0)
    (name,) = managed.containers()
    assert one.identity is not None
    assert replaced.identity is not None
    assert replaced.identity.port == one.identity.port
    was = managed.ask(two, RECORDS)
    host.ssh(f"sudo kill -9 {managed.run(f'inspect -f {{{{.State.Pid}}}} {name}')}")
    managed.wait_for(two, was, RECORDS)
    answers(replaced, 5.0)
    act(ActionType.DEPLOYMENT_STOP, "one", 3)
    answers(two, 3.0)
    assert managed.containers() == [name]
    act(ActionType.DEPLOYMENT_STOP, "two", 2)
    assert managed.containers() == []
