"""The repository itself: its scripts, locks, links and lengths."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "mgmt_ansible" / "control_plane" / "pages"
SHELL = sorted(
    path
    for path in (ROOT / "scripts").iterdir()
    if path.is_file() and path.suffix in ("", ".sh") and path.read_text().startswith(("#!/bin/sh", "# Sourced"))
)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
README_WORDS = 600
MODULE_LINES = 400


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "scripts" / "constraints.txt").read_text().splitlines()
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def direct_dependencies() -> list[str]:
    declared = project()["project"]
    extras = [one for extra in declared["optional-dependencies"].values() for one in extra]
    groups = [one for group in project()["dependency-groups"].values() for one in group]
    return [one for one in (*declared["dependencies"], *extras, *groups) if not one.startswith("mgmt-ansible")]


def test_readme_stays_short():
    """Somebody new reads it in three minutes."""
    assert len((ROOT / "README.md").read_text().split()) <= README_WORDS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document):
    """Relative links only; addresses of other sites are not tried."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    assert [] == [link for link in links if "://" not in link and not (document.parent / link).exists()]


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_scripts_are_posix_shell(script):
    """Debian's sh can read them."""
    assert 0 == subprocess.run(["sh", "-n", script], check=False).returncode


@pytest.mark.parametrize("name", ["up", "demo", "test", "lint", "fix", "unit", "wheel"])
def test_scripts_can_be_started(name):
    """Git keeps the executable bit."""
    assert os.access(ROOT / "scripts" / name, os.X_OK)


def test_ci_runs_what_the_readme_tells_people_to_run():
    """One command, no second truth."""
    words = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert ['exec "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/test"'] == words


def test_the_lock_of_page_assets_names_no_host():
    """Whoever builds uses the registry of their own settings; npm checks the content's hash."""
    packages = json.loads((PAGES / "package-lock.json").read_text())["packages"]
    third_party = [package for name, package in packages.items() if name]
    assert [] == [package for package in third_party if "resolved" in package or "sha512-" not in package["integrity"]]


def test_the_lock_of_page_assets_is_of_this_manifest():
    """An upgrade changes both files."""
    lock = json.loads((PAGES / "package-lock.json").read_text())["packages"][""]["dependencies"]
    assert json.loads((PAGES / "package.json").read_text())["dependencies"] == lock


@pytest.mark.parametrize("requirement", direct_dependencies())
def test_every_direct_dependency_is_pinned_for_the_scripts(requirement):
    """What CI tests with changes in a commit, not overnight."""
    assert normal(re.match(r"[A-Za-z0-9_.-]+", requirement)[0]) in pins()


def test_every_direct_dependency_has_a_floor():
    """A resolver that gives up reaches for releases of years ago."""
    unbound = [one for one in direct_dependencies() if ">=" not in one and not one.startswith("types-")]
    assert [] == unbound


@pytest.mark.parametrize(
    "module", sorted((ROOT / "mgmt_ansible").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_modules_stay_readable(module):
    """A longer one becomes a folder of facets."""
    assert len(module.read_text().splitlines()) <= MODULE_LINES


def test_fragments_of_the_changelog_are_named_after_what_changed():
    """`changes/<issue or word>.<kind>.md`, folded in at a release."""
    kinds = "added|changed|deprecated|removed|fixed|security"
    names = [path.name for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    assert [] == [name for name in names if not re.fullmatch(rf"[a-z0-9-]+\.({kinds})\.md", name)]
