"""The wheel that agents are installed from: this very program, packed again from where it lies, and its pinned requirements.

An installed program has no wheel any more, and a checkout never had one; both have the files. Packing needs no network and
no build tool, takes a fraction of a second, and gives the same octets for the same files. Source: the binary distribution
format (https://packaging.python.org/en/latest/specifications/binary-distribution-format/).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mgmt_ansible
from mgmt_ansible import errors
from mgmt_ansible.settings.content import default_content_path

DISTRIBUTION = "mgmt-ansible"
CONTENT = ("playbooks", "roles", "inventories")
_PACKAGE = Path(mgmt_ansible.__file__).resolve().parent
_WHEEL = "Wheel-Version: 1.0\nGenerator: mgmt-ansible\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_LEFT_OUT = frozenset({"__pycache__", "node_modules"})
_MODE = 0o100644 << 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWheel:
    """A wheel as it is downloaded.

    Attributes:
        name: Of the file.
        body: Its octets.
        sha256: Of them, in hex.
    """

    name: str
    body: bytes
    sha256: str


class AgentWheels:
    """Packs the wheel when it is first asked for, and keeps it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wheel: AgentWheel | None = None

    def wheel(self) -> AgentWheel:
        """Return the wheel of this version; StoreError when the program was never installed, so that nobody knows what it needs."""
        with self._lock:
            if self._wheel is None:
                self._wheel = _packed()
            return self._wheel

    def constraints(self) -> str:
        """Return the versions of all that the program needs, as they are installed here: a constraints file for pip."""
        pins = sorted(f"{name}=={version}" for name, version in _needed(DISTRIBUTION).items() if name != DISTRIBUTION)
        return "".join(f"{pin}\n" for pin in pins)


def _packed() -> AgentWheel:
    version = mgmt_ansible.__version__
    files = {**dict(_program()), **dict(_content()), **_metadata(version)}
    record = f"mgmt_ansible-{version}.dist-info/RECORD"
    lines = [f"{name},sha256={_record_digest(body)},{len(body)}" for name, body in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    body = _zipped(files)
    name = f"mgmt_ansible-{version}-py3-none-any.whl"
    return AgentWheel(name=name, body=body, sha256=hashlib.sha256(body).hexdigest())


def _program() -> Iterator[tuple[str, bytes]]:
    for path in _files(_PACKAGE):
        relative = path.relative_to(_PACKAGE)
        if relative.parts[0] != "content":
            yield f"mgmt_ansible/{relative.as_posix()}", path.read_bytes()


def _content() -> Iterator[tuple[str, bytes]]:
    home = default_content_path()
    for name in CONTENT:
        for path in _files(home / name):
            yield f"mgmt_ansible/content/{path.relative_to(home).as_posix()}", path.read_bytes()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part in _LEFT_OUT or part.startswith(".") for part in parts):
            yield path


def _metadata(version: str) -> dict[str, bytes]:
    try:
        known = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError as exc:
        raise errors.StoreError("the program runs uninstalled: install the checkout with `pip install -e .`") from exc
    folder = f"mgmt_ansible-{version}.dist-info"
    texts = {
        "METADATA": known.read_text("METADATA"),
        "entry_points.txt": known.read_text("entry_points.txt"),
        "licenses/LICENSE": known.read_text("licenses/LICENSE"),
        "WHEEL": _WHEEL,
    }
    return {f"{folder}/{name}": text.encode() for name, text in texts.items() if text}


def _record_digest(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, body)
    return packed.getvalue()


def _needed(name: str, found: dict[str, str] | None = None) -> dict[str, str]:
    """Return name -> installed version of a distribution and of all that it needs, without extras."""
    found = {} if found is None else found
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return found
    found[_normal(name)] = distribution.version
    for requirement in distribution.requires or ():
        needed = _NAME.match(requirement)
        if needed and "extra ==" not in requirement and _normal(needed.group()) not in found:
            _needed(needed.group(), found)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
