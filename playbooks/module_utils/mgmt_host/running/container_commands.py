"""The command line by which a slot's container is started; pure: a configuration goes in, arguments come out."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ..failures import HostError

LABEL = "mgmt-ansible."
LOG_BYTES = 10 << 20
_TMPFS = "rw,noexec,nosuid,nodev,size=64m,mode=1777"


def name_of(folder: str) -> str:
    """Return the name of the container of the slot in a folder; no other base directory of the host has it too."""
    slots, slot = os.path.split(os.path.normpath(folder))
    deployment = os.path.basename(os.path.dirname(slots))
    return "mgmt-ansible-{}-{}-{}".format(hashlib.sha256(folder.encode()).hexdigest()[:8], deployment, slot)


def labels_of(folder: str, config: dict[str, Any]) -> dict[str, str]:
    """Return the labels that prove which release a container serves, for which slot and start."""
    return {
        LABEL + "deployment_id": str(config["deployment_id"]),
        LABEL + "generation": str(config["generation"]),
        LABEL + "digest": str(config["digest"]),
        LABEL + "slot": os.path.basename(folder),
        LABEL + "nonce": str(config["nonce"]),
    }


def publishing_of(config: dict[str, Any]) -> tuple[str, str, int]:
    """Return (port inside with its protocol, address on the host, port on the host)."""
    return "{}/tcp".format(config["served"]["container"]["port"]), str(config["bind_address"]), int(config["port"])


def secret_path(name: str) -> str:
    """Return where a secret's file is seen in the container, read-only."""
    return "/opt/mgmt-ansible/secrets/" + name


def run_words(engine: str, folder: str, config: dict[str, Any]) -> list[str]:
    """Return the arguments of `docker` or `podman` that start a slot's container in the background; raises as `words` does."""
    said, (_, address, port) = config["served"]["container"], publishing_of(config)
    secrets = sorted((config.get("secrets") or {}).items())
    container = dict(
        said,
        stop_seconds=int(config.get("stop_timeout_seconds", 10.0)),
        variables={**said["variables"], **{name + "_FILE": secret_path(name) for name, _ in secrets}},
        mounts=[*said["mounts"], *([path, secret_path(name)] for name, path in secrets)],
    )
    return words(engine, name_of(folder), labels_of(folder, config), (address, port), container)


def words(
    engine: str, name: str, labels: dict[str, str], published: tuple[str, int], container: dict[str, Any]
) -> list[str]:
    """Return the arguments that start a container in the background.

    It has no capability but those that its package names, no way to more rights, a log that does not grow for ever, and
    one port on one address.

    Args:
        engine: `docker` or `podman`.
        name: Of the container.
        labels: Its labels.
        published: Address and port on the host.
        container: As `container_serving.resolve` returns it.

    Raises:
        HostError: `playbook_error`: a path cannot be mounted.
    """
    address = "[{}]".format(published[0]) if ":" in published[0] else published[0]
    said = ["run", "--detach", "--pull", "never", "--name", name, "--restart", "unless-stopped"]
    said += ["--stop-timeout", str(container["stop_seconds"])]  # which Docker's daemon gives it when the host goes down
    said += [*_log_words(engine), "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    said += ["--publish", "{}:{}:{}/tcp".format(address, published[1], container["port"])]
    said += _repeated("--cap-add", container["capabilities"])
    said += _repeated("--label", ("{}={}".format(*pair) for pair in sorted(labels.items())))
    said += _repeated("--env", ("{}={}".format(*pair) for pair in sorted(container["variables"].items())))
    said += _repeated("--volume", (_mount(*mount) for mount in container["mounts"]))
    said += _read_only_words(container) + _resource_words(engine, container["resources"])
    return [*said, container["image_id"], *container["arguments"]]


def _log_words(engine: str) -> list[str]:
    if engine == "podman":
        return ["--log-driver", "k8s-file", "--log-opt", "max-size={}".format(LOG_BYTES)]
    return ["--log-driver", "json-file", "--log-opt", "max-size={}".format(LOG_BYTES), "--log-opt", "max-file=2"]


def _repeated(option: str, values: Any) -> list[str]:
    return [word for value in values for word in (option, value)]


def _mount(source: str, target: str, mode: str = "ro") -> str:
    if ":" in source:
        message = (
            "base_dir and files of secrets must have paths without a colon where containers serve, not {!r}".format(
                source
            )
        )
        raise HostError("playbook_error", message)
    return "{}:{}:{},z".format(source, target, mode)  # z: where SELinux guards files, containers may read this one


def _read_only_words(container: dict[str, Any]) -> list[str]:
    if not container["read_only"]:
        return []
    return ["--read-only", *_repeated("--tmpfs", ("{}:{}".format(path, _TMPFS) for path in ("/tmp", "/run")))]  # noqa: S108


def _resource_words(engine: str, resources: dict[str, Any]) -> list[str]:
    words: list[str] = []
    if "memory_bytes" in resources:
        limit = str(resources["memory_bytes"])
        words += ["--memory", limit, "--memory-swap", limit]
    if "cpus" in resources:
        words += ["--cpus", str(resources["cpus"])]
    if "open_files" in resources:
        words += ["--ulimit", "nofile={0}:{0}".format(resources["open_files"])]
    gpus = resources.get("gpus", [])
    if engine == "podman":
        return words + _repeated("--device", ("nvidia.com/gpu={}".format(gpu) for gpu in gpus))
    return words + (["--gpus", '"device={}"'.format(",".join(gpus))] if gpus else [])
