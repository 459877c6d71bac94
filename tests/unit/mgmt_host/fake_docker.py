"""The folder of `fake_engine.py`, and a host where it is the only engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from mgmt_host.machine import durable_files
from mgmt_host.running import engines

NAME = "team/echo:1"
PPS = "team/pps:1"
IDS = [f"sha256:{digit * 64}" for digit in "123"]


class FakeDocker:
    """The folder of the fake engine."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, name):
        """Return one of its files."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def write(self, name, value):
        """Replace one of its files."""
        (self.folder / f"{name}.json").write_text(json.dumps(value))

    def runs(self):
        """Return [options, image, arguments] of each start."""
        return [json.loads(line) for line in (self.folder / "run.log").read_text().splitlines()]

    def stop_all(self):
        """End its processes."""
        for one in self.read("containers").values():
            try:
                os.killpg(one["State"]["Pid"], signal.SIGKILL)
            except ProcessLookupError:
                continue


def install(host, folder, monkeypatch):
    """Yield the fake engine, which is the only one on the path."""
    folder.mkdir()
    source = Path(__file__).with_name("fake_engine.py").read_text()
    (folder / "docker").write_text(f"#!{sys.executable} -IS\n{source}")
    (folder / "docker").chmod(0o755)
    (folder / "docker-proxy").symlink_to(sys.executable)
    for server in ("echo_server.py", "pps_look_alike.py"):
        shutil.copy(Path(__file__).with_name(server), folder)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    made = FakeDocker(folder)
    made.write("registry", {NAME: IDS[0], PPS: IDS[1]})
    monkeypatch.setattr(engines, "NAMES", ("docker",))
    yield made
    (folder / "down").unlink(missing_ok=True)
    host.stop_all()
    made.stop_all()
    for deployment_id in host.layout.deployment_ids():
        durable_files.remove_tree(
            host.own(deployment_id).slots
        )  # nothing is left for whoever stops without this engine
