"""Model packages: the immutable, versioned artifact that is deployed, and its digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MANIFEST_NAME = "model-package.json"
"""The one file that every model package has at its root; it names runtime, model file and smoke request."""


RUNTIME_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""What may be the name of a runtime: one of ours (`Runtime`), or one that an agent's user has added."""


class Runtime(StrEnum):
    """What serves a package on a host, as far as it is ours; `external`: others do, so that there is no archive."""

    ONNX = "onnx"
    MLFLOW = "mlflow"
    SCORING_CODE = "scoring_code"
    DRUM = "drum"
    PPS = "pps"
    CONTAINER = "container"
    COMMAND = "command"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """One regular file of an unpacked package.

    Attributes:
        path: Relative, `/` between parts, never `..`.
        mode: `0755` when any execute bit is set in the archive, else `0644`.
        size_bytes: Size of the content.
        sha256: Of the content, 64 lower-case hex digits.
    """

    path: str
    mode: str
    size_bytes: int
    sha256: str


def manifest_digest(files: Iterable[PackageFile]) -> str:
    r"""Return the digest of a package: 64 lower-case hex digits.

    The sha256 of one JSON line `[path, mode, size, sha256]` a file (no spaces, ASCII only, `\n` after each), sorted by
    the UTF-8 bytes of the path. The host computes the same in `mgmt_host`; a contract test feeds both. Source:
    design, "On a host".
    """
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path.encode()):
        row = [file.path, file.mode, file.size_bytes, file.sha256]
        total.update(json.dumps(row, separators=(",", ":"), ensure_ascii=True).encode() + b"\n")
    return total.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPackage:
    """What an action needs to know of a package.

    Attributes:
        id: 24 hex digits.
        name: As people say it, shared by the versions.
        version: Free text, unique per name.
        digest: Of the unpacked files, see `manifest_digest`.
        archive_sha256: Of the archive's own bytes; for transport only.
        archive_bytes: Size of the archive.
        runtime: Name of what serves it: one of `Runtime`, or one that an agent's user has added.

    Raises:
        ValueError: That is no name of a runtime.
    """

    id: str
    name: str
    version: str
    digest: str
    archive_sha256: str
    archive_bytes: int
    runtime: str

    def __post_init__(self) -> None:
        """Check the one word that is not checked elsewhere."""
        if not RUNTIME_NAME.fullmatch(self.runtime):
            raise ValueError(f"{self.runtime!r} is no name of a runtime")
