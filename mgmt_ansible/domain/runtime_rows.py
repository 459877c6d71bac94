"""Runtimes that users add: a row each, of the agent's own configuration, handed to hosts as data. Pure.

A row says what one of ours says (`mgmt_host/content/runtimes.py`) and nothing more. The host checks it again by the same rules.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from mgmt_ansible.domain.model_packages import RUNTIME_NAME, Runtime

SAYS = frozenset({"start", "arguments", "health_path", "predict_path", "metrics_path", "requirements", "target_type"})
"""Keys of a package's `serve` that a row may leave to it."""

PLACEHOLDERS = frozenset(
    {"address", "deployment_id", "generation", "package", "port", "python", "model", "model_folder"}
)
"""What a row's `start` may hold; `target_type`, too, where the package says it."""

MOST_WORDS = 256
LONGEST_WORD = 4096
MOST_REQUIREMENTS = 100
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PROGRAM = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}|\{python\}|(?:\{package\})?(?:/[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}){1,20}"
)
_PATH = re.compile(r"/(?:[!-\"$-z|~]|\{deployment_id\}){0,500}")
_FILE = re.compile(r"(?!\.{1,2}\Z)[^/\x00-\x1f]{1,200}")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^/\\@\x00-\x1f]{0,199}")
_VARIABLE = re.compile(r"(?!MGMT_ANSIBLE_)[A-Za-z_][A-Za-z0-9_]{0,99}")
_STATUSES = (0, *range(400, 600))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRow:
    """What serves packages of one runtime that is not ours.

    Attributes:
        name: As manifests say it; none of `Runtime`.
        start: The server's command, a list of arguments; empty: the package says it.
        health_path: Asked until it answers 200; empty: the package says it.
        predict_path: Takes predictions by POST; empty: the package may say it, if the row leaves it to it.
        metrics_path: For Prometheus; as `predict_path`.
        requirements: Of its Python environment, a name with its versions each.
        says: Keys of the package's `serve`.
        model_name: Name that the package's model file must have; empty: any.
        requirements_beside: Name of a file beside the model with more requirements; empty: none.
        environment: (name, value) of variables for the server.
        broken_status: HTTP status by which a server that is up says that its model is broken; 0: it has none.
        role: Role of the user's content that runs on each host first; empty: none. Never sent to the host.
    """

    name: str
    start: tuple[str, ...] = ()
    health_path: str = ""
    predict_path: str = ""
    metrics_path: str = ""
    requirements: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    model_name: str = ""
    requirements_beside: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    broken_status: int = 0
    role: str = ""

    def to_event(self) -> dict[str, object]:
        """Return it as the host contract has it."""
        return {key: value for key, value in asdict(self).items() if key != "role"}


def complaint_about(row: RuntimeRow) -> str:
    """Return why a row cannot be one, naming the key; empty when it can."""
    if not RUNTIME_NAME.fullmatch(row.name) or row.name in set(Runtime):
        return "the name must be small letters, digits and _, and none of ours: " + ", ".join(Runtime)
    if not SAYS.issuperset(row.says):
        return f"says: takes only {', '.join(sorted(SAYS))}"
    return _about_start(row) or _about_paths(row) or _about_files(row) or _about_environment(row)


def _about_start(row: RuntimeRow) -> str:
    if bool(row.start) == ("start" in row.says):
        return "start: give it here, or let the package say it (`says`), and not both"
    if len(row.start) > MOST_WORDS or any(len(word) > LONGEST_WORD or not is_text(word) for word in row.start):
        return f"start: at most {MOST_WORDS} arguments of at most {LONGEST_WORD} characters without NUL"
    allowed = PLACEHOLDERS | ({"target_type"} if "target_type" in row.says else set())
    unknown = {name for word in row.start for name in _PLACEHOLDER.findall(word)} - allowed
    if unknown:
        return f"start: knows only the placeholders {', '.join(sorted(allowed))}"
    if row.start and not _PROGRAM.fullmatch(row.start[0]):
        return "start: begins with a program's name or absolute path, {python}, or a file as {package}/NAME"
    return ""


def _about_paths(row: RuntimeRow) -> str:
    if not row.health_path and "health_path" not in row.says:
        return "health_path: give it here, or let the package say it (`says`)"
    for key, path in (
        ("health_path", row.health_path),
        ("predict_path", row.predict_path),
        ("metrics_path", row.metrics_path),
    ):
        if path and not _PATH.fullmatch(path):
            return f"{key}: must be a path of HTTP that begins with /, such as /health"
    return ""


def _about_files(row: RuntimeRow) -> str:
    for key, name in (("model_name", row.model_name), ("requirements_beside", row.requirements_beside)):
        if name and not (_FILE.fullmatch(name) and is_text(name)):
            return f"{key}: must be the name of a file, without a folder"
    if len(row.requirements) > MOST_REQUIREMENTS or not all(_REQUIREMENT.fullmatch(one) for one in row.requirements):
        return f"requirements: at most {MOST_REQUIREMENTS}, a name with its versions each, no option, path or address"
    return "" if all(map(is_text, row.requirements)) else "requirements: must be text"


def _about_environment(row: RuntimeRow) -> str:
    if row.broken_status not in _STATUSES:
        return "broken_status: must be an HTTP status from 400 to 599, or 0 for none"
    for name, value in row.environment:
        if not _VARIABLE.fullmatch(name):
            return "environment: takes names of variables, none that begins with MGMT_ANSIBLE_"
        if len(value) > LONGEST_WORD or not is_text(value):
            return f"environment: {name} must be a text of at most {LONGEST_WORD} characters without NUL"
    return ""


def is_text(word: str) -> bool:
    """Tell whether a text can be an argument of a program."""
    try:
        return b"\0" not in word.encode()
    except UnicodeEncodeError:
        return False
