"""`runtimes.yml` in an environment's content path: runtimes that users add; docs/how-to/add-a-runtime.md tells how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mgmt_ansible import errors
from mgmt_ansible.domain.runtime_rows import RuntimeRow, complaint_about
from mgmt_ansible.settings.reading import describe, read_yaml

FILE_NAME = "runtimes.yml"
_ROLE = r"^[a-z][a-z0-9_]{0,63}$"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    start: list[str] = []
    health_path: str = ""
    predict_path: str = ""
    metrics_path: str = ""
    requirements: list[str] = []
    says: list[str] = []
    model_name: str = ""
    requirements_beside: str = ""
    environment: Annotated[dict[str, str], Field(max_length=100)] = {}
    broken_status: int = 0
    role: Annotated[str, Field(pattern=_ROLE)] | None = None


_ROWS: TypeAdapter[dict[str, _Row]] = TypeAdapter(dict[str, _Row])


def read_runtime_rows(content_path: Path | None, where: str) -> tuple[RuntimeRow, ...]:
    """Return the rows of a content path, by name; none when it has no such file.

    Args:
        content_path: Of an environment, or None.
        where: Path of the setting, for messages.

    Raises:
        ConfigError: The file cannot be used; the message names file, runtime and key.
    """
    path = content_path / FILE_NAME if content_path is not None else None
    if content_path is None or path is None or not path.exists():
        return ()
    where = f"{where}: {path}"
    rows = _parsed(path, where)
    return tuple(_checked(name, row, content_path, where) for name, row in sorted(rows.items()))


def _parsed(path: Path, where: str) -> Mapping[str, _Row]:
    try:
        return _ROWS.validate_python(read_yaml(path))
    except ValidationError as exc:
        raise errors.ConfigError(f"{where}: {describe(exc)}") from exc


def _checked(name: str, row: _Row, content_path: Path, where: str) -> RuntimeRow:
    made = RuntimeRow(
        name=name,
        start=tuple(row.start),
        health_path=row.health_path,
        predict_path=row.predict_path,
        metrics_path=row.metrics_path,
        requirements=tuple(row.requirements),
        says=tuple(row.says),
        model_name=row.model_name,
        requirements_beside=row.requirements_beside,
        environment=tuple(sorted(row.environment.items())),
        broken_status=row.broken_status,
        role=row.role or "",
    )
    complaint = complaint_about(made)
    if complaint:
        raise errors.ConfigError(f"{where}: {name}: {complaint}")
    if made.role and not (content_path / "roles" / made.role).is_dir():
        raise errors.ConfigError(f"{where}: {name}: role: {content_path / 'roles' / made.role} does not exist")
    return made
