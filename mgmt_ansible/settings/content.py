"""The home of our playbooks, roles and inventories: the one place that computes it."""

from __future__ import annotations

from pathlib import Path


def default_content_path() -> Path:
    """Return the folder with `playbooks/`, `roles/` and `inventories/`: in an installed wheel, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    carried = package / "content"
    return carried if (carried / "playbooks").is_dir() else package.parent
