"""`mgmt-ansible demo`: the whole way once, each claim proved from outside; leaves nothing behind."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from mgmt_ansible import archives, errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.quickstart import kernel_proofs, samples, signals
from mgmt_ansible.quickstart.data_folder import DataFolder
from mgmt_ansible.quickstart.site import Site
from mgmt_ansible.quickstart.stages import Stages
from mgmt_ansible.wire.api_v2 import DeploymentIn, Endpoint, ModelPackage, ModelReplacement

DEPLOYMENT = "wine-demo"
_FIRST_PORT = 18_765
_TOLERANCE = 1e-4


def run_demo() -> int:
    """Launch, predict, replace, predict, stop, and print the events; the last line is the verdict.

    Returns:
        0 when every proof holds, else 1; then the data folder is kept and named.
    """
    began, stages = time.monotonic(), Stages()
    folder = DataFolder(root=Path(tempfile.mkdtemp(prefix="mgmt-ansible-demo-")))
    folder.make()
    try:
        with folder.owned(), signals.interruptible():
            Demo(Site(folder, stages), stages).run()
    except (errors.MgmtAnsibleError, KeyboardInterrupt) as exc:
        reason = str(exc) or "interrupted"
        print(f"everything of it is kept in {folder.root}\ndemo: FAILED: {reason}", flush=True)  # noqa: T201 - the verdict
        return 1
    folder.remove()
    print(f"demo: ok in {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201 - the verdict
    return 0


class Demo:
    """One demonstration on a site of its own."""

    def __init__(self, site: Site, stages: Stages) -> None:
        """Demonstrate on a site that is not started yet."""
        self._site = site
        self._stages = stages
        self._ports: set[int] = set()

    def run(self) -> None:
        """Do and prove everything; the site is stopped in the end, whatever happens.

        Raises:
            MgmtAnsibleError: A part failed, or a proof does not hold.
        """
        try:
            self._site.start(port=_FIRST_PORT)
            self._demonstrate()
        finally:
            signals.ignore()
            with self._stages.stage("stopping everything"):
                self._site.stop()
        self._ports |= {self._site.host.port, urlsplit(self._site.client.url).port or 0}
        self._prove_silence("after the end")

    def _demonstrate(self) -> None:
        with self._stages.stage("both model packages registered"):
            first, second = self._site.upload().values()
        with self._stages.stage(f"launch {first.name}:{first.version} (builds its runtime environment)") as tell:
            wanted = DeploymentIn(
                model_package_id=first.id,
                label=DEPLOYMENT,
                deployment_id=DEPLOYMENT,
                prediction_environment_id=self._site.environment.id,
            )
            self._site.wait(self._site.client.deployments.launch(wanted).action_id, tell)
        self._prove_serving(first)
        with self._stages.stage(f"replace by {second.name}:{second.version}") as tell:
            replacement = ModelReplacement(model_package_id=second.id, reason="ACCURACY")
            accepted = self._site.client.deployments.replace_model(DEPLOYMENT, replacement)
            self._site.wait(accepted.action_id, tell)
        self._prove_serving(second)
        with self._stages.stage("stop") as tell:
            accepted = self._site.client.deployments.ask(DEPLOYMENT, ActionType.DEPLOYMENT_STOP)
            self._site.wait(accepted.action_id, tell)
        self._prove_silence("after stop")
        self._print_events()

    def _prove_serving(self, package: ModelPackage) -> None:
        endpoint = self._endpoint()
        self._ports.add(endpoint.port)
        with self._stages.stage(f"proof that {package.name}:{package.version} serves on port {endpoint.port}"):
            pid = self._prove_process(endpoint)
            self._prove_content(pid, package)
            answer = self._prove_predictions(endpoint, package)
        judgements = ", ".join(samples.judgement(self._site.samples, row) for row in answer)
        self._stages.say(f"      pid {pid} holds digest {package.digest[:12]}; the bottles in dispute: {judgements}")

    def _endpoint(self) -> Endpoint:
        endpoints = self._site.client.deployments.get_deployment(DEPLOYMENT).endpoints
        _demand(len(endpoints) == 1, f"one endpoint was expected, {len(endpoints)} are recorded")
        return endpoints[0]

    def _prove_process(self, endpoint: Endpoint) -> int:
        owners = kernel_proofs.list_listeners(endpoint.port)
        _demand(
            owners == {endpoint.pid}, f"port {endpoint.port} belongs to {sorted(owners)}, not to process {endpoint.pid}"
        )
        return endpoint.pid

    def _prove_content(self, pid: int, package: ModelPackage) -> None:
        archive = samples.archive_path(self._site.folder.models, package.version)
        built = archives.read_package(archive).digest
        opened = kernel_proofs.digest_of_open_files(pid)
        _demand(opened == built, f"process {pid} holds {opened} open, but {archive.name} is {built}")
        _demand(opened == package.digest, f"process {pid} holds {opened} open, but {package.digest} is registered")

    def _prove_predictions(self, endpoint: Endpoint, package: ModelPackage) -> samples.Probabilities:
        answer = samples.ask_model(endpoint.url, self._site.samples)
        expected = self._site.samples.probabilities
        far = samples.largest_difference(answer, expected[package.version])
        _demand(far <= _TOLERANCE, f"probabilities are {far:g} away from scikit-learn's, more than {_TOLERANCE:g}")
        for other in samples.VERSIONS:
            near = samples.largest_difference(answer, expected[other])
            _demand(other == package.version or near > _TOLERANCE, f"the answers could be version {other}'s as well")
        return answer

    def _prove_silence(self, moment: str) -> None:
        loud = sorted(port for port in self._ports if port and kernel_proofs.is_listening(port))
        _demand(not loud, f"{moment}, somebody still listens on {loud}")

    def _print_events(self) -> None:
        self._stages.say("\nWhat happened, oldest first:")
        for one in reversed(list(self._site.client.deployments.list_events(DEPLOYMENT))):
            moment = one.timestamp.astimezone().strftime("%H:%M:%S")
            self._stages.say(
                f"  {moment}  {one.health:<8} {one.type.rpartition('.')[2]:<32} gen {one.generation or '-'}  {one.message}"
            )
        self._stages.say()


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise errors.QuickstartError(message)
