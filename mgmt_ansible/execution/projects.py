"""The folder that a run works in: playbook, roles, module_utils, and the files that travel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.runs import RunRequest


def assemble_project(
    folder: Path,
    request: RunRequest,
    binding: EnvironmentBinding,
    *,
    content_path: Path,
    archive: Path | None,
    copied: bool = False,
) -> None:
    """Fill a project folder for a run; the user's own playbooks and roles come before ours.

    Args:
        folder: Made here.
        request: Names the playbook.
        binding: Names the user's content and wheelhouse.
        content_path: Home of our playbooks and roles.
        archive: Of the package, or None.
        copied: Copy everything instead of linking to it, so that the folder stands alone.

    Raises:
        RenderError: There is no such playbook.
    """
    homes = content_homes(binding, content_path)
    folder.mkdir(mode=0o700)
    shutil.copyfile(find_playbook(request.playbook, homes), folder / f"{request.playbook}.yml")
    _place_roles(folder / "roles", homes, copied=copied)
    _place(
        _first(home / "playbooks" / "module_utils" for home in reversed(homes)), folder / "module_utils", copied=copied
    )
    (folder / "files").mkdir(mode=0o700)
    _place(archive, folder / "files" / "package", copied=copied)
    _place(Path(binding.wheelhouse) if binding.wheelhouse else None, folder / "files" / "wheelhouse", copied=copied)


def content_homes(binding: EnvironmentBinding, content_path: Path) -> tuple[Path, ...]:
    """Return the folders with playbooks and roles, the user's first."""
    return (Path(binding.content_path), content_path) if binding.content_path is not None else (content_path,)


def find_playbook(name: str, homes: tuple[Path, ...]) -> Path:
    """Return the path of a playbook.

    Raises:
        RenderError: No home has it.
    """
    for home in homes:
        for suffix in (".yml", ".yaml"):
            path = home / "playbooks" / f"{name}{suffix}"
            if path.is_file():
                return path
    raise errors.RenderError(f"there is no playbook {name}.yml in {', '.join(str(home) for home in homes)}")


def _place_roles(target: Path, homes: tuple[Path, ...], *, copied: bool) -> None:
    target.mkdir(mode=0o700)
    for home in homes:
        for role in _folders(home / "roles"):
            if not (target / role.name).exists():
                _place(role, target / role.name, copied=copied)


def _folders(path: Path) -> Iterator[Path]:
    return (entry for entry in sorted(path.iterdir()) if entry.is_dir()) if path.is_dir() else iter(())


def _first(paths: Iterator[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _place(source: Path | None, target: Path, *, copied: bool) -> None:
    if source is None:
        return
    if not copied:
        target.symlink_to(source.resolve())
    elif source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    else:
        shutil.copyfile(source, target)
