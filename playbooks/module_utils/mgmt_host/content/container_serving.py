"""What a package says about the container in which it is served, and what becomes of it on this host."""

from __future__ import annotations

import os
import re
from typing import Any

from ..layout import Layout
from . import images, manifest_rules
from .runtimes import Runtime

PACKAGE_FOLDER = "/opt/mgmt-ansible/package"
"""Where the unpacked package is seen in the container, read-only."""

PLACEHOLDERS = ("address", "deployment_id", "generation", "package", "port")
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""Those that an engine gives by itself and images ask for that begin as root; all others stay away."""

_LONGEST_REFERENCE = 500
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?"
)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check(folder: str, serve: dict[str, Any], runtime: Runtime) -> None:
    """Check what only containers take.

    Raises:
        HostError: `artifact`, naming the field.
    """
    _check_image(folder, serve)
    port = serve.get("port", runtime.inner_port)
    if type(port) is not int or not 0 < port < 1 << 16:
        raise manifest_rules.wrong("serve.port", "must be the port inside the container, from 1 to 65535", port)
    for word in serve.get("arguments", ()):
        _check_placeholders("serve.arguments", word)
    for name, value in manifest_rules.check_variables(serve.get("variables", {})).items():
        _check_placeholders("serve.variables." + name, value)
    manifest_rules.check_resources(serve.get("resources", {}))
    for key in ("read_only", "multi_model"):
        if type(serve.get(key, False)) is not bool:
            raise manifest_rules.wrong("serve." + key, "must be true or false", serve[key])
    if serve.get("multi_model") and serve.get("secrets"):
        raise manifest_rules.wrong("serve.secrets", "is not for a container that other models share", serve["secrets"])
    _check_capabilities(serve.get("capabilities", []))


def resolve(
    layout: Layout, runtime: Runtime, digest: str, *, serve: dict[str, Any], facts: dict[str, str], model: str
) -> dict[str, Any]:
    """Return what a slot's configuration says of its container.

    Args:
        layout: Where.
        runtime: What serves the package.
        digest: Of the package, which is on the host, as its image is.
        serve: As checked.
        facts: `deployment_id` and `generation`.
        model: Path of the model's file in the package.

    Raises:
        HostError: `dependency`: the image is not there.
    """
    image = images.require(layout, digest)
    port = int(serve.get("port", runtime.inner_port))
    seen = runtime.inner_model_folder or PACKAGE_FOLDER
    values = dict(facts, address="0.0.0.0", package=seen, port=str(port))  # noqa: S104 - inside the container
    folder = layout.package(digest)
    mounts = [[folder, seen]]
    if runtime.inner_model_folder:
        mounts = [[os.path.join(folder, model), os.path.join(seen, os.path.basename(model))]]
    return {
        "engine": image["engine"],
        "image_id": image["image_id"],
        "image": image["name"],
        "port": port,
        "mounts": mounts,
        "arguments": [_fill(word, values) for word in serve.get("arguments", ())],
        "variables": {name: _fill(text, values) for name, text in serve.get("variables", {}).items()},
        "resources": serve.get("resources", {}),
        "read_only": bool(serve.get("read_only", False)),
        "capabilities": list(serve.get("capabilities", ())),
    }


def _check_image(folder: str, serve: dict[str, Any]) -> None:
    if ("image" in serve) == ("image_tar" in serve):
        raise manifest_rules.wrong("serve", "must have one of image and image_tar", sorted(serve))
    if "image_tar" in serve:
        manifest_rules.check_file(folder, "serve.image_tar", serve["image_tar"])
        return
    reference = serve["image"]
    fits = isinstance(reference, str) and len(reference) <= _LONGEST_REFERENCE and _REFERENCE.fullmatch(reference)
    if not fits or not (fits["digest"] or fits["tag"] not in (None, "latest")):
        rule = "must name an image by its digest, name@sha256:..., or by a tag other than latest"
        raise manifest_rules.wrong("serve.image", rule, reference)


def _check_placeholders(field: str, text: str) -> None:
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            known = "knows in a container only the placeholders {}".format(", ".join(PLACEHOLDERS))
            raise manifest_rules.wrong(field, known, text)


def _check_capabilities(names: object) -> None:
    if not isinstance(names, list) or any(name not in CAPABILITIES for name in names):
        rule = "takes a list of {}; a container has no others".format(", ".join(CAPABILITIES))
        raise manifest_rules.wrong("serve.capabilities", rule, names)


def _fill(text: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], text)
