"""Check what a manifest says about its server, `serve`, before the package is registered.

The host checks the same once more, in `mgmt_host/content/serving.py`, before it starts anything; one contract test feeds both the same
hostile manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mgmt_ansible.archives import container_serving
from mgmt_ansible.archives.manifest_rules import LONGEST_WORD, is_text, wrong
from mgmt_ansible.archives.needs import KEYS as NEEDS
from mgmt_ansible.archives.needs import OURS, check_needs
from mgmt_ansible.domain.model_packages import PackageFile, Runtime
from mgmt_ansible.domain.runtime_rows import SAYS

PLACEHOLDERS = ("address", "deployment_id", "generation", "package", "port", "python")
_PATHS = ("health_path", "predict_path", "metrics_path")
_SAYS: Mapping[str, frozenset[str]] = {
    Runtime.COMMAND: frozenset({"start", "requirements", *_PATHS}),
    Runtime.CONTAINER: container_serving.KEYS | {"arguments", "port", "read_only", "capabilities", *_PATHS},
    Runtime.DRUM: frozenset({"arguments", "requirements", "target_type"}),
    Runtime.MLFLOW: frozenset({"requirements"}),
    Runtime.ONNX: frozenset(),
    Runtime.PPS: container_serving.KEYS | {"multi_model"},
    Runtime.SCORING_CODE: frozenset({"arguments", *_PATHS}),
}
"""Runtime -> keys of `serve`; what the runtimes that are not here say is not looked at."""

_MODEL_NAMES: Mapping[str, str] = {Runtime.MLFLOW: "MLmodel"}
"""Runtime -> name that the model's file must have."""

_LONGEST_START = 256
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_PATH = re.compile(r"/(?:[!-\"$-z|~]|\{deployment_id\}){0,500}")
_TARGET_TYPE = re.compile(r"[a-z]{1,40}")
_EXECUTABLE = "0755"
_HERE = "{package}/"


def check_serving(manifest: Mapping[str, object], runtime: str, files: Iterable[PackageFile]) -> None:
    """Check `serve` of a manifest; nothing is checked for a runtime that takes none.

    Of a runtime that an agent's user added only the agent and its hosts know which keys it takes: what is there must be right.

    Raises:
        ArchiveError: Naming the field and what it must be.
    """
    ours = runtime in set(Runtime)
    says = _SAYS.get(runtime) if ours else SAYS
    if says is None:
        return
    says |= OURS if runtime == Runtime.ONNX else NEEDS
    serve = manifest.get("serve", {})
    if not isinstance(serve, dict):
        raise wrong("serve", "must be an object", serve)
    modes = {file.path: file.mode for file in files}
    for key in serve:
        if key not in says:
            raise wrong("serve", f"takes only {', '.join(sorted(says))} with runtime {runtime}", key)
    check_needs(serve, in_container=runtime in container_serving.RUNTIMES)
    if "start" in says and (ours or "start" in serve):
        _check_start(serve.get("start"), modes)
    _check_words("arguments", serve.get("arguments", []))
    for key in says.intersection(_PATHS):
        _check_path(key, serve.get(key, ""), needed=ours and key == "health_path")
    if runtime in container_serving.RUNTIMES:
        container_serving.check(serve, runtime, modes)
    if "target_type" in says and (ours or "target_type" in serve):
        _check_target_type(serve.get("target_type"))
    if "requirements" in serve and (not isinstance(serve["requirements"], str) or serve["requirements"] not in modes):
        raise wrong("serve.requirements", "must name a file of the package", serve["requirements"])
    model = str(manifest.get("model"))
    if runtime in _MODEL_NAMES and model.rpartition("/")[2] != _MODEL_NAMES[runtime]:
        raise wrong("model", f"must be the file {_MODEL_NAMES[runtime]}", model)


def _check_start(start: object, modes: Mapping[str, str]) -> None:
    words = _check_words("start", start)
    if not words:
        raise wrong("serve.start", "must name a program", start)
    program = words[0]
    if program == "{python}" or _PROGRAM.fullmatch(program):
        return
    if not program.startswith(_HERE):
        raise wrong("serve.start", "begins with a program's name, {python}, or a file as {package}/NAME", program)
    if modes.get(program.removeprefix(_HERE)) != _EXECUTABLE:
        raise wrong("serve.start", "begins with a file that the package does not hold as executable", program)


def _check_words(key: str, words: object) -> list[str]:
    field = f"serve.{key}"
    if not isinstance(words, list) or len(words) > _LONGEST_START:
        raise wrong(field, f"must be a list of at most {_LONGEST_START} arguments, not a shell's text", words)
    return [_checked_word(field, word) for word in words]


def _checked_word(field: str, word: object) -> str:
    if not isinstance(word, str) or len(word) > LONGEST_WORD or not is_text(word):
        raise wrong(field, f"takes texts of at most {LONGEST_WORD} characters without NUL", word)
    if not set(_PLACEHOLDER.findall(word)) <= set(PLACEHOLDERS):
        raise wrong(field, f"knows only the placeholders {', '.join(PLACEHOLDERS)}", word)
    if not all(rest[:1] in {"", "/", ":", ","} and ".." not in rest.split("/") for rest in word.split("{package}")[1:]):
        raise wrong(field, "must stay inside {package}", word)
    return word


def _check_path(key: str, path: object, *, needed: bool) -> None:
    if path == "" and not needed:
        return
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise wrong(f"serve.{key}", "must be a path of HTTP that begins with /, such as /health", path)


def _check_target_type(word: object) -> None:
    if not isinstance(word, str) or not _TARGET_TYPE.fullmatch(word):
        raise wrong("serve.target_type", "must be a word in small letters, such as regression", word)
