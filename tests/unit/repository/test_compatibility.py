"""docs/reference/compatibility.md: every row is there, and every test that it names."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "compatibility.md").read_text()
ROWS = [*range(1, 10), *range(26, 49), 65, 66, 67, 70]


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| F")]


def test_every_row_of_the_reference_is_there():
    """F01 to F09, F26 to F48, F65 to F67, and F70, once each."""
    assert [f"F{number:02}" for number in ROWS] == [row[0] for row in rows()]


def test_every_row_works_or_says_why_not():
    """And names a test."""
    assert [] == [row[0] for row in rows() if not re.match(r"(works|partly|no)\b", row[2])]
    assert [] == [row[0] for row in rows() if row[2].startswith(("partly", "no")) and ":" not in row[2]]


def test_every_test_that_is_named_exists():
    """By file and function."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) >= len(ROWS)
    assert [] == [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
