"""Read a model package's archive: its manifest, its files, both of its digests. Nothing is unpacked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mgmt_ansible import errors
from mgmt_ansible.archives import members
from mgmt_ansible.archives.golden import check_golden
from mgmt_ansible.archives.serving import check_serving
from mgmt_ansible.domain.model_packages import MANIFEST_NAME, RUNTIME_NAME, PackageFile, Runtime, manifest_digest

MANIFEST_SCHEMA = 1
_MANIFEST_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageContents:
    """What an archive holds.

    Attributes:
        digest: Of the unpacked files, see `manifest_digest`.
        archive_sha256: Of the archive's own bytes.
        archive_bytes: Size of the archive.
        runtime: Name of what serves it, see `ModelPackage`.
        model: Path of the model file inside the package.
        manifest: `model-package.json`, parsed.
        files: Sorted by path.
    """

    digest: str
    archive_sha256: str
    archive_bytes: int
    runtime: str
    model: str
    manifest: Mapping[str, object]
    files: tuple[PackageFile, ...]


def read_package(archive_path: Path) -> PackageContents:
    """Return what a model package's archive holds; reads it as a stream and writes nothing.

    Raises:
        ArchiveError: Broken, hostile, too large, or not a model package.
    """
    files, manifest = measure_files(archive_path)
    if manifest is None:
        raise errors.ArchiveError(f"the archive has no {MANIFEST_NAME} at its root")
    return _contents(archive_path, _parse_manifest(manifest), files)


def measure_files(archive_path: Path) -> tuple[tuple[PackageFile, ...], bytes | None]:
    """Return the files of any archive, sorted by path, and the manifest's bytes, None when it has none.

    Raises:
        ArchiveError: Broken, hostile or too large.
    """
    files: list[PackageFile] = []
    manifest: bytes | None = None
    with members.naming_faults():
        for member in members.walk(archive_path):
            if member.path == MANIFEST_NAME:
                manifest = member.content.read(_MANIFEST_BYTES + 1)
                files.append(_describe(member, [manifest]))
            else:
                files.append(_describe(member, _chunks(member.content)))
    return tuple(sorted(files, key=lambda file: file.path.encode())), manifest


def _describe(member: members.Member, chunks: Iterable[bytes]) -> PackageFile:
    total, size = hashlib.sha256(), 0
    for chunk in chunks:
        total.update(chunk)
        size += len(chunk)
    return PackageFile(path=member.path, mode=member.mode, size_bytes=size, sha256=total.hexdigest())


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def _parse_manifest(content: bytes) -> dict[str, object]:
    if len(content) > _MANIFEST_BYTES:
        raise errors.ArchiveError(f"{MANIFEST_NAME} is larger than {_MANIFEST_BYTES} bytes")
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise errors.ArchiveError(f"{MANIFEST_NAME} is not JSON: {error}") from error
    if not isinstance(value, dict) or value.get("schema") != MANIFEST_SCHEMA:
        raise errors.ArchiveError(f"{MANIFEST_NAME}: schema must be {MANIFEST_SCHEMA}")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def _contents(archive_path: Path, manifest: dict[str, object], files: tuple[PackageFile, ...]) -> PackageContents:
    runtime = _runtime(manifest)
    check_serving(manifest, runtime, files)
    check_golden(manifest, files, lambda path, most: _read_file(archive_path, path, most))
    return PackageContents(
        digest=manifest_digest(files),
        archive_sha256=_sha256(archive_path),
        archive_bytes=archive_path.stat().st_size,
        runtime=runtime,
        model=_model(manifest, files),
        manifest=manifest,
        files=files,
    )


def _read_file(archive_path: Path, path: str, most: int) -> bytes:
    with members.naming_faults():
        for member in members.walk(archive_path):
            if member.path == path:
                return member.content.read(most)
    raise errors.ArchiveError(f"the archive has no {path} any more")


def _runtime(manifest: Mapping[str, object]) -> str:
    """Return the runtime's name; whether an agent serves one that is not ours, the agent knows."""
    name = manifest.get("runtime")
    if isinstance(name, str) and RUNTIME_NAME.fullmatch(name) and name != Runtime.EXTERNAL:
        return name
    served = ", ".join(runtime for runtime in Runtime if runtime is not Runtime.EXTERNAL)
    raise errors.ArchiveError(
        f"{MANIFEST_NAME}: runtime must be one of {served}, or one that the agent's content path adds, "
        "in small letters, digits and _"
    )


def _model(manifest: Mapping[str, object], files: tuple[PackageFile, ...]) -> str:
    model = manifest.get("model")
    if not isinstance(model, str) or model not in {file.path for file in files}:
        raise errors.ArchiveError(f"{MANIFEST_NAME}: model must name a file of the package, not {model!r}")
    return model


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
