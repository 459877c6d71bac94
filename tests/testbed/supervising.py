"""`python -m tests.testbed.supervising STATE NAME`: one host from power-on to power-off.

Runs in a mount namespace of its own: the host's disk is mounted nowhere else, so no mount can outlive it. nspawn ends with
133 when the host asks for a reboot (`systemd-nspawn --keep-unit`, systemd 252); every other end is a power-off.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.testbed import cgroups, dressing, plans, rootfs
from tests.testbed.commands import run

REBOOT = 133
VOLUMES = {
    "docker": {"docker": "/var/lib/docker", "containerd": "/var/lib/containerd"},
    "podman": {"containers": "/var/lib/containers", "home": "/home"},
}
"""Folders that must not lie on an overlay: an overlay's upper layer cannot be one."""
_ENVIRONMENT = {
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",  # /proc/sys/net only: the machine's other settings stay out of reach
    "SYSTEMD_NSPAWN_LOCK": "0",
    "SYSTEMD_NSPAWN_TMPFS_TMP": "0",
}
_NOTES = Path("/run/systemd/nspawn")
"""Where nspawn notes what it runs, and leaves it when killed: memory of this namespace instead of the machine's."""
_PLAIN = ("--as-pid2", "/bin/sh", "-c", "mkdir -p /run/sshd; exec /usr/sbin/sshd -D -e")


def command(plan: plans.Plan, host: plans.HostPlan) -> list[str]:
    """Return the command that runs a host until it halts or reboots."""
    folder = plan.folder(host)
    words = [
        "systemd-nspawn",
        "--quiet",
        f"--directory={folder / 'root'}",
        f"--machine={plan.namespace(host)}",
        f"--hostname={host.name}",
        "--register=no",
        "--keep-unit",
        f"--network-namespace-path=/run/netns/{plan.namespace(host)}",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--console=pipe",
        "--capability=CAP_NET_ADMIN",  # never all: CAP_SYS_TIME would set the clock of the whole machine
    ]
    volumes = VOLUMES.get(host.kind, {})
    words += [f"--bind={folder / 'volumes' / name}:{place}" for name, place in volumes.items()]
    if volumes:
        words.append("--system-call-filter=add_key keyctl bpf")
    if host.kind == "plain":
        return [*words, *_PLAIN]
    return [*words, "--kill-signal=SIGRTMIN+3", dressing.INIT]


def main(state: str, name: str) -> int:
    """Mount, dress a new host, and run it until it is off; returns the exit code of its last run."""
    plan = plans.load(Path(state))
    host = plan.host(name)
    _mount(plan, host)
    mark = plan.folder(host) / "dressed"
    if not mark.exists():
        dressing.dress(plan, host, plan.folder(host) / "root")
        mark.touch()
    code = REBOOT
    while code == REBOOT:
        process = subprocess.Popen(
            command(plan, host),
            stdin=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
            preexec_fn=lambda: cgroups.join(plan.label, host.name),  # noqa: PLW1509 - no threads here
        )
        code = process.wait()
        print(f"supervisor: {name} ended with {code}", flush=True)  # noqa: T201 - the console's log
    return code


def _mount(plan: plans.Plan, host: plans.HostPlan) -> None:
    folder = plan.folder(host)
    _NOTES.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", _NOTES)
    for name in VOLUMES.get(host.kind, {}):
        (folder / "volumes" / name).mkdir(parents=True, exist_ok=True)
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    if host.disk:
        image = folder / "disk.img"
        if not image.exists():
            run("truncate", "-s", host.disk, image)
            run("mkfs.ext4", "-q", "-m0", image)
        run("mount", "-o", "loop", image, disk)
    for path in (disk / "upper", disk / "work", folder / "root"):
        path.mkdir(exist_ok=True)
    lower = ":".join(str(path) for path in rootfs.layers(plan, host))
    options = f"lowerdir={lower},upperdir={disk / 'upper'},workdir={disk / 'work'}"
    run("mount", "-t", "overlay", "overlay", "-o", options, folder / "root")


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
