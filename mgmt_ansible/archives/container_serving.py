"""Check what a manifest says about the container in which its package is served; the host checks the same once more."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mgmt_ansible.archives.manifest_rules import check_resources, check_variables, wrong
from mgmt_ansible.domain.model_packages import Runtime

RUNTIMES: frozenset[str] = frozenset({Runtime.CONTAINER, Runtime.PPS})
KEYS = frozenset({"image", "image_tar", "variables", "resources"})
PLACEHOLDERS = ("address", "deployment_id", "generation", "package", "port")
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
_HIGHEST_PORT = 65_535
_LONGEST_REFERENCE = 500
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?"
)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check(serve: Mapping[str, object], runtime: str, files: Mapping[str, str]) -> None:
    """Check what only containers take.

    Args:
        serve: Of the manifest; its keys, arguments and paths are checked already.
        runtime: One of `RUNTIMES`.
        files: Path -> mode.

    Raises:
        ArchiveError: Naming the field and what it must be.
    """
    _check_image(serve, files)
    if runtime == Runtime.CONTAINER:
        _check_port(serve.get("port"))
    arguments = serve.get("arguments", [])
    for word in arguments if isinstance(arguments, list) else []:
        _check_placeholders("serve.arguments", word)
    for name, value in check_variables(serve.get("variables", {})).items():
        _check_placeholders(f"serve.variables.{name}", value)
    check_resources(serve.get("resources", {}))
    for key in ("read_only", "multi_model"):
        if type(serve.get(key, False)) is not bool:
            raise wrong(f"serve.{key}", "must be true or false", serve[key])
    if serve.get("multi_model") and serve.get("secrets"):
        raise wrong("serve.secrets", "is not for a container that other models share", serve["secrets"])
    _check_capabilities(serve.get("capabilities", []))


def _check_image(serve: Mapping[str, object], files: Mapping[str, str]) -> None:
    if ("image" in serve) == ("image_tar" in serve):
        raise wrong("serve", "must have one of image and image_tar", sorted(serve))
    if "image_tar" in serve:
        if not isinstance(serve["image_tar"], str) or serve["image_tar"] not in files:
            raise wrong("serve.image_tar", "must name a file of the package", serve["image_tar"])
        return
    reference = serve["image"]
    short = isinstance(reference, str) and len(reference) <= _LONGEST_REFERENCE
    fits = _REFERENCE.fullmatch(str(reference)) if short else None
    if fits is None or not (fits["digest"] or fits["tag"] not in {None, "latest"}):
        rule = "must name an image by its digest, name@sha256:..., or by a tag other than latest"
        raise wrong("serve.image", rule, reference)


def _check_port(port: object) -> None:
    if type(port) is not int or not 0 < port <= _HIGHEST_PORT:
        raise wrong("serve.port", f"must be the port inside the container, from 1 to {_HIGHEST_PORT}", port)


def _check_placeholders(field: str, text: str) -> None:
    if not set(_PLACEHOLDER.findall(text)) <= set(PLACEHOLDERS):
        raise wrong(field, f"knows in a container only the placeholders {', '.join(PLACEHOLDERS)}", text)


def _check_capabilities(names: object) -> None:
    if not isinstance(names, list) or any(name not in CAPABILITIES for name in names):
        raise wrong(
            "serve.capabilities", f"takes a list of {', '.join(CAPABILITIES)}; a container has no others", names
        )
