"""What a package says about its own server: `serve` in its manifest, which its digest covers.

The command is a list of arguments and never a shell's text. Nothing of an event is ever put into it but the closed list of
`PLACEHOLDERS`, whose values are the host's own: a port, an address, a path, an id and a number.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from typing import Any

from .. import programs
from ..failures import HostError, evidence
from ..layout import Layout
from ..machine import durable_files
from ..running import sharing
from . import container_serving, environments, manifest_rules, needs, packages, runtimes
from .manifest_rules import check_file, is_text, wrong

_TEXTS = ("target_type",)
PLACEHOLDERS = ("address", "deployment_id", "generation", "package", "port", "python")
_LONGEST_START = 256
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_PATH = re.compile(r"/(?:[!-\"$-z|~]|\{deployment_id\}){0,500}")
_TARGET_TYPE = re.compile(r"[a-z]{1,40}")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^/\\@\x00-\x1f]*")
"""A name with its versions and markers: neither an option of pip, nor a path, nor an address."""


@dataclass(frozen=True)
class Served:
    """How one package is served by one deployment on this host.

    Attributes:
        runtime: Its row's name.
        argv: What is started; empty where the server is ours.
        health_path: See `Runtime`; the placeholders are filled in, as in all that follows.
        predict_path: Empty when the package does not say it.
        metrics_path: Empty when the package does not say it.
        ours: See `Runtime`.
        broken_status: See `Runtime`.
        container: In which it is served, as `container_serving.resolve` says; None where it is a process of this host.
        shared: The container that it shares with other deployments, as `sharing.enter` takes it; the process is a forwarder then.
    """

    runtime: str
    argv: tuple[str, ...]
    health_path: str
    predict_path: str
    metrics_path: str
    ours: bool
    broken_status: int = 0
    container: dict[str, Any] | None = None
    shared: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as `slot.json` has it."""
        return dict(asdict(self), argv=list(self.argv))


def of_slot(config: dict[str, Any]) -> Served:
    """Return how a slot's package is served; a slot of before there were runtimes runs `onnx`."""
    said = config.get("served")
    if isinstance(said, dict):
        return Served(**dict(said, argv=tuple(said["argv"])))
    return _served(runtimes.ONNX, {}, (), {"deployment_id": str(config.get("deployment_id", ""))})


def list_requirements(layout: Layout, runtime: runtimes.Runtime, digest: str) -> tuple[str, ...]:
    """Return what the package's Python environment must hold; empty when it needs none. The package is on the host.

    Raises:
        HostError: `artifact`: the manifest, or its file of requirements, is not what it should be.
    """
    folder = layout.package(digest)
    path = read(folder, runtime).get("requirements", "")
    if runtime.requirements_beside and not path:
        beside = os.path.join(os.path.dirname(_model(folder)), runtime.requirements_beside)
        path = beside if os.path.isfile(os.path.join(folder, beside)) else ""
    return runtime.requirements + (_read_requirements(folder, path) if path else ())


def read(folder: str, runtime: runtimes.Runtime) -> dict[str, Any]:
    """Return what an unpacked package says about its server; empty where it says nothing.

    Raises:
        HostError: `artifact`, naming the field.
    """
    manifest = durable_files.read_json(os.path.join(folder, packages.MANIFEST_NAME)) or {}
    serve = manifest.get("serve", {})
    if not runtime.ours and manifest.get("runtime") != runtime.name:
        raise wrong("runtime", "must be {}, as which it is asked for".format(runtime.name), manifest.get("runtime"))
    if not isinstance(serve, dict):
        raise wrong("serve", "must be an object", serve)
    says = runtime.says | needs.keys_of(runtime)
    for key in serve:
        if key not in says:
            known = ", ".join(sorted(says))
            raise wrong("serve", "takes only {} with runtime {}".format(known, runtime.name), key)
    needs.check(serve, runtime.in_container)
    if runtime.ours:
        return serve
    if "start" in runtime.says:
        _check_start(folder, serve.get("start"))
    _check_words("arguments", serve.get("arguments", []))
    for key in ("health_path", "predict_path", "metrics_path"):
        _check_path(key, serve.get(key, getattr(runtime, key)), needed=key == "health_path")
    if "target_type" in runtime.says and not _is_match(_TARGET_TYPE, serve.get("target_type")):
        raise wrong(
            "serve.target_type", "must be a word in small letters, such as regression", serve.get("target_type")
        )
    if runtime.in_container:
        container_serving.check(folder, serve, runtime)
    if "requirements" in serve:
        check_file(folder, "serve.requirements", serve["requirements"])
    name = os.path.basename(_model(folder))
    if runtime.model_name not in ("", name):
        raise wrong("model", "must be the file {}".format(runtime.model_name), name)
    return serve


def find_needs(layout: Layout, runtime: runtimes.Runtime, digest: str) -> dict[str, Any]:
    """Return what the package asks of this host, see `needs`; its keys may be missing.

    Raises:
        HostError: `artifact`: the manifest is wrong.
    """
    return {key: value for key, value in read(layout.package(digest), runtime).items() if key in needs.KEYS}


def resolve(layout: Layout, runtime: runtimes.Runtime, digest: str, facts: dict[str, str]) -> tuple[Served, str]:
    """Return how a package is served here, and the folder of its environment's programs (empty when it has none).

    Args:
        layout: Where.
        runtime: What serves it.
        digest: Of the package.
        facts: `address`, `deployment_id`, `generation`, `port`, `slot`.

    Raises:
        HostError: `artifact`: the manifest is wrong; `dependency`: a program or the environment is missing.
    """
    folder = layout.package(digest)
    with packages.damage_explains(layout, digest):
        serve, named = read(folder, runtime), _model(folder)
        requirements = list_requirements(layout, runtime, digest)
    if runtime.in_container:
        container = container_serving.resolve(layout, runtime, digest, serve=serve, facts=facts, model=named)
        if serve.get("multi_model"):
            return _served_together(layout, runtime, container, facts, os.path.join(folder, named)), ""
        return replace(_served(runtime, serve, (), facts), container=container), ""
    python = environments.require(layout, requirements) if requirements else sys.executable
    own_programs = os.path.dirname(python) if requirements else ""
    model = os.path.join(folder, named)
    values = dict(facts, package=folder, python=python, model=model, model_folder=os.path.dirname(model))
    values.update({key: serve[key] for key in _TEXTS if key in serve})
    argv = [_fill(word, values) for word in (*serve.get("start", runtime.start), *serve.get("arguments", ()))]
    if argv and not os.path.isabs(argv[0]):
        argv[0] = _find_program(argv[0], own_programs)
    return _served(runtime, serve, tuple(argv), values), own_programs


def _served_together(
    layout: Layout, runtime: runtimes.Runtime, container: dict[str, Any], facts: dict[str, str], model: str
) -> Served:
    shared = sharing.describe(layout, container, facts, model)
    behind = [str(shared["inner_port"]), shared["entry"], facts["deployment_id"]]
    argv = [sys.executable, "-I", "-S", programs.install(layout), "forward", facts["address"], facts["port"], *behind]
    paths = {"health_path": "/info", "predict_path": "/predictions"}
    own = {key: "/deployments/" + facts["deployment_id"] + path for key, path in paths.items()}
    return replace(_served(runtime, own, tuple(argv), facts), shared=shared)


def _served(runtime: runtimes.Runtime, serve: dict[str, Any], argv: tuple[str, ...], values: dict[str, str]) -> Served:
    health, predict, metrics = (
        _fill(serve.get(key, getattr(runtime, key)), values) for key in ("health_path", "predict_path", "metrics_path")
    )
    return Served(runtime.name, argv, health, predict, metrics, ours=runtime.ours, broken_status=runtime.broken_status)


def _model(folder: str) -> str:
    manifest = durable_files.read_json(os.path.join(folder, packages.MANIFEST_NAME)) or {}
    check_file(folder, "model", manifest.get("model"))
    return str(manifest["model"])


def _fill(word: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], word)


def _find_program(name: str, folder: str) -> str:
    places = [folder, *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    found = shutil.which(name, path=os.pathsep.join(place for place in places if os.path.isabs(place)))
    if found is None:
        message = "program {} is not on this host: install it for everybody, or put it into the package".format(name)
        raise HostError("dependency", message, [evidence("path", os.environ.get("PATH", os.defpath))])
    return os.path.abspath(found)


def _check_start(folder: str, start: object) -> None:
    words = _check_words("start", start)
    if not words:
        raise wrong("serve.start", "must name a program", start)
    _check_program(folder, words[0])


def _check_words(key: str, words: object) -> list[str]:
    field = "serve." + key
    if not isinstance(words, list) or len(words) > _LONGEST_START:
        raise wrong(field, "must be a list of at most {} arguments, not a shell's text".format(_LONGEST_START), words)
    for word in words:
        if not isinstance(word, str) or len(word) > manifest_rules.LONGEST_WORD or not is_text(word):
            raise wrong(
                field, "takes texts of at most {} characters without NUL".format(manifest_rules.LONGEST_WORD), word
            )
        for name in _PLACEHOLDER.findall(word):
            if name not in PLACEHOLDERS:
                raise wrong(field, "knows only the placeholders {}".format(", ".join(PLACEHOLDERS)), word)
        if not all(after[:1] in ("", "/", ":", ",") and ".." not in after.split("/") for after in _after_package(word)):
            raise wrong(field, "must stay inside {package}", word)
    return words


def _after_package(word: str) -> list[str]:
    return word.split("{package}")[1:]


def _check_program(folder: str, program: str) -> None:
    if program == "{python}" or _PROGRAM.fullmatch(program):
        return
    if not program.startswith("{package}/"):
        raise wrong("serve.start", "begins with a program's name, {python}, or a file as {package}/NAME", program)
    path = os.path.join(folder, program[len("{package}/") :])
    if not (os.path.isfile(path) and os.access(path, os.X_OK)):
        raise wrong("serve.start", "begins with a file that the package does not hold as executable", program)


def _check_path(key: str, path: object, needed: bool) -> None:
    if path == "" and not needed:
        return
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise wrong("serve." + key, "must be a path of HTTP that begins with /, such as /health", path)


def _read_requirements(folder: str, path: str) -> tuple[str, ...]:
    with open(os.path.join(folder, path), "rb") as stream:
        lines = stream.read(1 << 20).decode("utf-8", "replace").splitlines()
    wanted = [line.partition(" #")[0].strip() for line in lines]
    wanted = [line for line in wanted if line and not line.startswith("#")]
    for line in wanted:
        if not _REQUIREMENT.fullmatch(line):
            rule = "takes a name with its versions a line; options of pip are the agent's: pip_arguments, wheelhouse"
            raise wrong(path, rule, line)
    return tuple(sorted(set(wanted)))


def _is_match(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
