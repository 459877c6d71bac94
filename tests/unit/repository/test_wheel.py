"""The wheel, and how the pages' third-party files get into it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    """Names of all files in a wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout whose page assets were never brought."""
    pages = tmp_path / hatch_build.PAGES
    pages.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / hatch_build.PAGES / name, pages)
    return tmp_path


def test_the_wheel_carries_what_ansible_runs(names):
    """Playbooks, roles with their modules, and inventories, without what Python left behind."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for folder in hatch_build.CONTENT
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(ROOT).parts)
    }
    content = {name.removeprefix("mgmt_ansible/content/") for name in names if name.startswith("mgmt_ansible/content/")}
    assert expected == content


def test_the_wheel_carries_the_files_of_the_pages(names):
    """Own files, templates, third-party files and their licence."""
    pages = ROOT / hatch_build.PAGES
    own = {path.relative_to(ROOT).as_posix() for kind in ("static", "templates") for path in (pages / kind).glob("*.*")}
    vendored = {f"{hatch_build.PAGES}/static/vendor/{name}" for name in hatch_build.VENDORED.values()}
    assert set() == (own | vendored | {"mgmt_ansible/py.typed"}) - names


def test_files_of_another_lock_are_not_there(checkout):
    """An upgraded lock brings its files at the next build."""
    vendor = checkout / hatch_build.PAGES / "static" / "vendor"
    shutil.copytree(ROOT / hatch_build.PAGES / "static" / "vendor", vendor)
    assert hatch_build.vendored(checkout)
    (vendor / "lock.sha256").write_text("0" * 64)
    assert not hatch_build.vendored(checkout)


def test_without_npm_and_without_a_node_wheel_the_build_says_what_to_do(checkout, tmp_path, monkeypatch):
    """Instead of pages that do not work."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="Next: make the npm registry reachable"):
        hatch_build.vendor(checkout)


def test_what_npm_says_is_passed_on(checkout, tmp_path, monkeypatch):
    """A closed network shows its own words."""
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo "npm error ENOTFOUND" >&2; exit 1; }\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(RuntimeError, match="npm error ENOTFOUND"):
        hatch_build.vendor(checkout)
