"""docs/reference/pages.md: all 18 points are there, and every test that it names."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "pages.md").read_text()
POINTS = 18


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if re.match(r"\| \d", line)]


def test_every_point_is_there():
    """In their order, once each."""
    assert [str(number) for number in range(1, POINTS + 1)] == [row[0] for row in rows()]


def test_every_point_works_or_says_what_is_missing():
    """And names its tests."""
    assert [] == [row[0] for row in rows() if not re.match(r"works$|partly: .|no: .", row[3])]
    assert [] == [row[0] for row in rows() if "::test_" not in row[4] and not row[3].startswith("no:")]


def test_every_test_that_is_named_exists():
    """By file and function; each backticked name of the column is one."""
    named = re.findall(r"`([^`]+)`", " ".join(row[4] for row in rows()))
    found = [name.partition("::") for name in named]
    assert [] == [name for name in named if not re.fullmatch(r"tests/[\w/]+\.py::test_\w+", name)]
    assert [] == [f"{file}::{test}" for file, _, test in found if f"def {test}(" not in (ROOT / file).read_text()]
