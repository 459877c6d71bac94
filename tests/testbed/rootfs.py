"""Root file systems, built once and shared: a Debian base, and layers of packages on top for the container kinds.

A host's own changes lie in an overlay, so that making one costs milliseconds. The name of a layer holds the hash of its
recipe; a half-built one is never used. Mounts are made in a mount namespace of their own: none outlives a killed build.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.testbed import plans
from tests.testbed.commands import BedError, run

PRIVATE_MOUNTS = ("unshare", "--mount", "--propagation", "slave", "--")
_BASE = (
    "systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "openssh-server", "python3", "python3-pip",
    "sudo", "iproute2", "procps", "libfaketime", "kmod", "haproxy",
)  # fmt: skip
_CONTAINERS = {
    "docker": ("docker.io", "iptables", "python3-requests"),
    "podman": (
        "podman", "podman-docker", "crun", "uidmap", "slirp4netns", "fuse-overlayfs", "buildah", "python3-requests",
    ),
}  # fmt: skip
_DOCKER_OF_LATER_SUITES = ("docker-cli", "docker-buildx", "docker-compose")
_HOOKS = (
    'chroot "$1" useradd -u 1000 -p "*" -m -s /bin/bash deploy',
    'chroot "$1" useradd -u 1001 -p "*" -m -s /bin/bash nosudo',
    'echo "deploy ALL=(ALL) NOPASSWD: ALL" >"$1/etc/sudoers.d/deploy"; chmod 440 "$1/etc/sudoers.d/deploy"',
    'rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/cache/apt/*.bin; : >"$1/etc/machine-id"',
    'chroot "$1" systemctl mask --quiet systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer '
    "e2scrub_reap.service",
    'chroot "$1" systemctl disable --quiet haproxy.service',
)
_LAYER = """\
set -eu
lower=$1 upper=$2 work=$3 root=$4 proxies=$5; shift 5
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" "$root"
printf '#!/bin/sh\\nexit 101\\n' >"$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
printf '%s' "$proxies" >"$root/etc/apt/apt.conf.d/99testbed"
chroot "$root" apt-get update -qq
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \\
    -o Dpkg::Options::=--force-unsafe-io "$@"
if chroot "$root" getent group docker >/dev/null; then chroot "$root" usermod -aG docker deploy; fi
chroot "$root" apt-get clean
rm -rf "$root/usr/sbin/policy-rc.d" "$root/etc/apt/apt.conf.d/99testbed" "$root"/var/lib/apt/lists/*
"""
_RECIPE = "1"


def layers(plan: plans.Plan, host: plans.HostPlan) -> list[Path]:
    """Return the folders of a host's root file system, uppermost first, as overlayfs wants them."""
    base = _folder(plan, host.suite, "base")
    return [_folder(plan, host.suite, host.kind), base] if host.kind in _CONTAINERS else [base]


def build(plan: plans.Plan) -> list[str]:
    """Build what the hosts of a plan need and the cache lacks; one process of a machine at a time.

    Returns:
        Names of what was built now.

    Raises:
        BedError: mmdebstrap or apt failed; with their last words.
    """
    plan.cache.mkdir(parents=True, exist_ok=True)
    bases = {host.suite for host in plan.hosts}
    tops = {(host.suite, host.kind) for host in plan.hosts if host.kind in _CONTAINERS}
    with _locked(plan.cache / "lock"):
        built = [suite for suite in sorted(bases) if _build_base(plan, suite)]
        with ThreadPoolExecutor(2) as pool:
            done = pool.map(lambda top: (top, _build_layer(plan, *top)), sorted(tops))
            built += [f"{suite} {kind}" for (suite, kind), fresh in done if fresh]
    return built


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _packages(suite: str, kind: str) -> tuple[str, ...]:
    if kind == "base":
        return _BASE
    later = _DOCKER_OF_LATER_SUITES if kind == "docker" and suite != plans.DEFAULT_SUITE else ()
    return (*_CONTAINERS[kind], *later)


def _folder(plan: plans.Plan, suite: str, kind: str) -> Path:
    recipe = repr((suite, _BASE, _packages(suite, kind), _HOOKS, _LAYER, _RECIPE))
    return plan.cache / f"{kind}-{suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def _build_base(plan: plans.Plan, suite: str) -> bool:
    folder = _folder(plan, suite, "base")
    if folder.exists():
        return False
    draft = folder.with_suffix(".draft")
    _remove(draft)
    paths = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
    options = ["--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(_BASE)}", *paths]
    hooks = [f"--customize-hook={hook}" for hook in _HOOKS]
    command = ["mmdebstrap", *options, "--dpkgopt=force-unsafe-io", *hooks, suite, str(draft)]
    mirror = [plan.mirror] if plan.mirror else []
    run(*PRIVATE_MOUNTS, *command, *mirror, seconds=1200, log=folder.with_suffix(".log"))
    draft.rename(folder)
    return True


def _build_layer(plan: plans.Plan, suite: str, kind: str) -> bool:
    folder = _folder(plan, suite, kind)
    if folder.exists():
        return False
    draft, work, root = (folder.with_suffix(suffix) for suffix in (".draft", ".work", ".root"))
    for path in (draft, work, root):
        _remove(path)
        path.mkdir()
    shell = ("sh", "-c", _LAYER, "layer", _folder(plan, suite, "base"), draft, work, root)
    run(*PRIVATE_MOUNTS, *shell, _proxies(), *_packages(suite, kind), seconds=1200, log=folder.with_suffix(".log"))
    _remove(work)
    _remove(root)
    draft.rename(folder)
    return True


def _proxies() -> str:
    """Return what the machine's own apt is told about proxies, as lines of its configuration."""
    lines = run("apt-config", "dump", check=False).stdout.splitlines()
    return "".join(f"{line}\n" for line in lines if line.startswith("Acquire::http") and "::Proxy" in line)


def _remove(path: Path) -> None:
    if path.is_mount():
        raise BedError(f"{path} is mounted; next: umount it")
    shutil.rmtree(path, ignore_errors=True)
