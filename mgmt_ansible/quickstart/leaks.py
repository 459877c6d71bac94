"""`mgmt-ansible selftest leaks`: a secret in every channel, everything done once, then a search for them everywhere.

A site like that of `demo` in a folder of its own. Every secret is fresh; where it belongs it may stand, anywhere else it is a
hit. Values are never printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urljoin

import requests
import yaml

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.quickstart import leak_search, signals
from mgmt_ansible.quickstart.data_folder import DataFolder, write_private
from mgmt_ansible.quickstart.leak_channels import PASSED_VARIABLE, Planted, Secret, make_canary
from mgmt_ansible.quickstart.site import Site
from mgmt_ansible.quickstart.stages import Stages, Tell
from mgmt_ansible.settings.agent import load_agent_settings
from mgmt_ansible.wire.api_v2 import Action, DeploymentIn, ModelPackage, ModelReplacement

DEPLOYMENT = "leak-selftest"
_FIRST_PORT = 18_865
_ANSWER_SECONDS = 30
_SMALL_BYTES = 1 << 20
_API = (
    "version/", "predictionEnvironments/", "predictionEnvironments/{environment}/hosts/", "modelPackages/",
    "deployments/", "deployments/{deployment}/", "deployments/{deployment}/events/", "deploymentEvents/?limit=500",
    "actions/?limit=500", "runs/?limit=500", "agents/", "accessTokens/", "nothing/",
)  # fmt: skip
_CLI = (
    ("deployment", "list", "--json"),
    ("deployment", "show", DEPLOYMENT, "--json"),
    ("event", "list"),
    ("event", "list", "--json"),
    ("run", "list", "--json"),
    ("agent", "list", "--json"),
    ("environment", "list", "--json"),
    ("host", "list", "--json"),
    ("package", "list", "--json"),
)


def run_leaks() -> int:
    """Plant, work, search and print a table; the last line is the verdict.

    Returns:
        0 when no secret was found where it does not belong; else 1, and the data folder is kept and named.
    """
    began, stages = time.monotonic(), Stages()
    folder = DataFolder(root=Path(tempfile.mkdtemp(prefix="mgmt-ansible-leaks-")))
    folder.make()
    test = None
    try:
        with folder.owned(), signals.interruptible():
            test = LeakTest(folder, stages)
            test.run()
    except (errors.MgmtAnsibleError, KeyboardInterrupt) as exc:
        stages.say(f"everything of it is kept in {folder.root}\nselftest leaks: FAILED: {str(exc) or 'interrupted'}")
        return 1
    finally:
        os.environ.pop(PASSED_VARIABLE, None)
    return _verdict(test, folder, stages, time.monotonic() - began)


def _verdict(test: LeakTest, folder: DataFolder, stages: Stages, seconds: float) -> int:
    hits = tuple(test.places.hits)
    _print_table(test, stages)
    for hit in hits:
        stages.say(f"  LEAK: {hit.channel} in {hit.place}")
    if hits:
        stages.say(f"everything of it is kept in {folder.root}, with secrets that are worth nothing elsewhere")
    else:
        folder.remove()
    places = sum(test.places.counts.values())
    stages.say(f"selftest leaks: {len(test.secrets)} secrets, {places} places, hits {len(hits)} in {seconds:.0f} s")
    return 1 if hits else 0


def _print_table(test: LeakTest, stages: Stages) -> None:
    searched = ", ".join(f"{count} {kind}s" for kind, count in sorted(test.places.counts.items()))
    stages.say(f"\nSearched: {searched}; command lines of all processes {test.samples} times\n")
    width = max(len(secret.channel) for secret in test.secrets)
    stages.say(f"  {'CHANNEL':<{width}}  PLACES  HITS")
    for secret in test.secrets:
        own = sum(1 for hit in test.places.hits if hit.channel == secret.channel)
        stages.say(f"  {secret.channel:<{width}}  {sum(test.places.counts.values()):>6}  {own:>4}")
    stages.say()


class LeakTest:
    """One self-test on a site of its own.

    Attributes:
        secrets: Whatever is searched for.
        places: What was searched, and the hits.
        samples: How often all command lines were read.
    """

    def __init__(self, folder: DataFolder, stages: Stages) -> None:
        """Plant secrets in a folder that is made; nothing is started yet."""
        self._folder = folder
        self._stages = stages
        self._began = time.time()
        self._planted = Planted(folder, Installation(bin_dir=None, inherited=dict(os.environ)))
        self._site = Site(folder, stages, agent_settings=self._planted.agent_settings)
        self._said: list[tuple[str, str, bytes]] = []
        self.secrets: list[Secret] = list(self._planted.secrets)
        self.places = leak_search.Places()
        self.samples = 0

    def run(self) -> None:
        """Do everything, stop the site, and search.

        Raises:
            MgmtAnsibleError: A part failed that should not have.
        """
        with leak_search.ProcessWatch() as watch:
            try:
                self._site.start(port=_FIRST_PORT)
                self.secrets += self._planted.found_later()
                self._work()
            finally:
                signals.ignore()
                with self._stages.stage("stopping everything"):
                    self._site.stop()
        self.samples = watch.samples
        with self._stages.stage("searching"):
            self._search(watch.command_lines)

    def _work(self) -> None:
        with self._stages.stage("both model packages registered"):
            first, second = self._site.upload().values()
        with self._stages.stage("launch") as tell:
            self._succeed(lambda: self._launch(first), tell)
        with self._stages.stage("replace by a playbook that tells all it knows, and fails") as tell:
            failed = self._finish(lambda: self._replace(second), tell)
        if failed.status != "failed" or "[redacted]" not in failed.model_dump_json():
            raise errors.QuickstartError(f"the replacement was to fail with redacted words, but: {failed.message}")
        with self._stages.stage("status, refused settings, stop") as tell:
            self._finish(lambda: self._ask(ActionType.DEPLOYMENT_STATUS), tell)  # the old model serves: that is told
            self._refuse_url_password()
            self._succeed(lambda: self._ask(ActionType.DEPLOYMENT_STOP), tell)
        with self._stages.stage("command line, API, pages and export are read"):
            self._read_command_line()
            self._read_api()
            self._read_pages()

    def _launch(self, package: ModelPackage) -> str | None:
        wanted = DeploymentIn(
            model_package_id=package.id,
            label=DEPLOYMENT,
            deployment_id=DEPLOYMENT,
            prediction_environment_id=self._site.environment.id,
        )
        return self._site.client.deployments.launch(wanted).action_id

    def _replace(self, package: ModelPackage) -> str | None:
        wanted = ModelReplacement(model_package_id=package.id, reason="OTHER")
        return self._site.client.deployments.replace_model(DEPLOYMENT, wanted).action_id

    def _ask(self, kind: ActionType) -> str | None:
        return self._site.client.deployments.ask(DEPLOYMENT, kind).action_id

    def _succeed(self, ask: Callable[[], str | None], tell: Tell) -> None:
        self._site.wait(ask(), tell)

    def _finish(self, ask: Callable[[], str | None], tell: Tell) -> Action:
        return self._site.client.actions.wait_for_action(ask() or "", on_progress=lambda action: tell(action.progress))

    def _refuse_url_password(self) -> None:
        """The agent refuses an index URL with a password, and does not repeat it."""
        secret = Secret(channel="URL password", value=make_canary())
        path = self._folder.root / "refused.yaml"
        settings = yaml.safe_load(self._folder.agent_file.read_text())
        settings["environments"][0]["pip_arguments"] = [f"--index-url=https://user:{secret.value}@index.example/simple"]
        write_private(path, yaml.safe_dump(settings))
        self.secrets.append(secret)
        try:
            load_agent_settings(path)
        except errors.ConfigError as exc:
            self._say("refusal", "settings", str(exc).encode())
        else:
            raise errors.QuickstartError("a password in pip_arguments was not refused")
        self._command("agent", "--config", str(path))
        path.unlink()

    def _read_command_line(self) -> None:
        for arguments in _CLI:
            self._command(*arguments, "--data", str(self._folder.root))
        for run in self._site.client.runs.list_runs(deployment_id=DEPLOYMENT):
            self._command("run", "show", run.id, "--data", str(self._folder.root))
            self._command("run", "log", run.id, "--data", str(self._folder.root))
            self._command("run", "show", run.id, "--json", "--data", str(self._folder.root))
            target = str(self._folder.root / "exports" / run.id)
            self._command("run", "export", run.id, target, "--data", str(self._folder.root))

    def _command(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "mgmt_ansible.cli", *arguments]
        done = subprocess.run(
            command, cwd=self._folder.root, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        self._say("command output", " ".join(arguments[:3]), done.stdout + done.stderr)

    def _read_api(self) -> None:
        token = (self._folder.control_plane / "admin.token").read_text().strip()
        with _session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            routes = [route.format(environment=self._site.environment.id, deployment=DEPLOYMENT) for route in _API]
            for noun in ("runs", "actions"):
                listed = self._get(session, f"/api/v2/{noun}/?limit=500").json()["data"]
                routes += [f"{noun}/{one['id']}/" for one in listed]
                routes += [f"actions/{one['id']}/spec/" for one in listed if noun == "actions"]
            for route in routes:
                self._get(session, f"/api/v2/{route}")
            for path in ("/metrics", "/openapi.json", "/healthz"):
                self._get(session, path)

    def _read_pages(self) -> None:
        link = self._site.client.access.create_login_link()
        with _session() as session:
            self._get(session, link.path, kind="page", name="login")
            cookies = [value for cookie in session.cookies if (value := cookie.value)]
            for path in ("/", f"/deployments/{DEPLOYMENT}", "/?search=canary", "/nothing"):
                self._get(session, path, kind="page")
        self.secrets.append(Secret(channel="login link", value=link.path.rpartition("=")[2]))
        self.secrets += [Secret(channel="session cookie", value=value) for value in cookies]

    def _get(
        self, session: requests.Session, path: str, *, kind: str = "API answer", name: str | None = None
    ) -> requests.Response:
        answer = session.get(urljoin(f"{self._site.client.url}/", path), timeout=_ANSWER_SECONDS)
        self._say(kind, name or path, answer.content)
        return answer

    def _say(self, kind: str, name: str, content: bytes) -> None:
        self._said.append((kind, name, content))

    def _search(self, command_lines: dict[bytes, str]) -> None:
        for line, program in command_lines.items():
            self.places.search("command line", program, line, self.secrets)
        for kind, name, content in self._said:
            self.places.search(kind, name, content, self.secrets)
            self.places.search(kind, name, _unescaped(content), self.secrets)
        self.places.search_files("file", self._own_files(), self.secrets)
        others = leak_search.files_below(*leak_search.shared_folders(), newer_than=self._began)
        self.places.search_files(
            "shared file", (path for path in others if self._folder.root not in path.parents), self.secrets
        )

    def _own_files(self) -> Sequence[Path]:
        """Return all files of the site, but for the large libraries of the host's Python environment."""
        libraries = self._folder.host / "environments"
        return [
            path
            for path in leak_search.files_below(self._folder.root)
            if libraries not in path.parents or path.stat().st_size <= _SMALL_BYTES
        ]


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _unescaped(content: bytes) -> bytes:
    """Return JSON with its escapes undone, anything else as it is."""
    try:
        return json.dumps(json.loads(content), ensure_ascii=False).encode(errors="replace")
    except ValueError:
        return content
