"""What a host with a container engine needs once it answers: the engine ready, and an image without any registry."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tests.testbed import hosts, rootfs, ssh
from tests.testbed.commands import BedError

IMAGE = "testbed/base:latest"
"""The host's own root file system, imported as a tar: Debian with Python."""
_IMPORT_SECONDS = 300.0
ENGINES = {"docker": "docker", "podman": "sudo podman"}


def prepare(host: hosts.Host, tell: Callable[[str], None]) -> None:
    """Wait for the engine and import the base image; nothing for hosts without an engine.

    Raises:
        BedError: The engine does not answer, or refused the image; with its words.
    """
    engine = ENGINES.get(host.kind)
    if engine is None:
        return
    if host.kind == "podman":
        host.ssh("systemctl enable --now -q podman.socket", user="root")
    version = host.ssh(f"{engine} version --format '{{{{.Server.Version}}}}'", check=False)
    if version.returncode != 0:
        raise BedError(f"{host.name}: {host.kind} does not answer: {version.stderr.strip()[-300:]}")
    import_image(host, f"{engine} import -c 'ENV LANG=C.UTF-8' - {IMAGE}")
    tell(f"{host.name}: {host.kind} {version.stdout.strip()}, image {IMAGE} imported")


def reset(host: hosts.Host, tell: Callable[[str], None]) -> None:
    """Bring a host back as it was made, its image too.

    Raises:
        BedError: It does not answer, or its engine refused the image.
    """
    host.reset()
    prepare(host, tell)


def import_image(host: hosts.Host, command: str) -> None:
    """Send the base file system as a tar to a command on a host.

    Raises:
        BedError: tar or the command failed.
    """
    base = rootfs.layers(host.plan, host.spec)[-1]
    pack = ["tar", "-C", str(base), "--exclude=./var/cache", "--exclude=./boot", "-c", "."]
    send = ["ssh", "-F", str(host.plan.ssh_config), f"{ssh.USER}@{host.name}", command]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packer:
        done = subprocess.run(
            send, stdin=packer.stdout, capture_output=True, text=True, check=False, timeout=_IMPORT_SECONDS
        )
    if done.returncode != 0 or packer.returncode != 0:
        raise BedError(f"{host.name} refused the image: {done.stderr.strip()[-300:]}")
