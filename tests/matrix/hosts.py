"""What hosts need for a runtime, brought without a way out: a Java of this machine, a program on the PATH."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.testbed import plans
from tests.testbed.commands import run
from tests.testbed.container_models import ContainerHost
from tests.testbed.hosts import Host

_DRUM = plans.ROOT / "tests" / "unit" / "mgmt_host" / "drum_look_alike.py"
_NOT_NEEDED = shutil.ignore_patterns("*.jmod", "src.zip")


def bring(host: Host, needs: str, folder: Path) -> None:
    """Bring what a runtime needs on the host: `java`, `drum`, `echo-image`, `pps-image`, or nothing; as an administrator would."""
    if needs == "echo-image":
        ContainerHost(host, folder / "images", become=True).build_echo()
    if needs == "pps-image":
        ContainerHost(host, folder / "images", become=True).build_pps()
    programs = Path(f"/proc/{host.first_process()}/root/usr/local/bin")
    if needs == "java" and not programs.joinpath("java").is_symlink():
        _bring_java(programs)
    elif needs == "drum":
        programs.joinpath("drum").write_text("#!/usr/bin/python3\n" + _DRUM.read_text())
        programs.joinpath("drum").chmod(0o755)


def _bring_java(programs: Path) -> None:
    """Copy this machine's Java: the same Debian's, so that it runs on the host as it is."""
    program = Path(run("sh", "-c", 'readlink -f "$(command -v java)"').stdout.strip())
    home = program.parents[1]
    shutil.copytree(home, programs.parents[2] / home.relative_to("/"), dirs_exist_ok=True, ignore=_NOT_NEEDED)
    programs.joinpath("java").symlink_to(program)
