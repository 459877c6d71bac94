"""Model package archives: what is inside, whether it is safe, and how one is made."""

from __future__ import annotations

from mgmt_ansible.archives.building import build_package
from mgmt_ansible.archives.reading import PackageContents, read_package

__all__ = ["PackageContents", "build_package", "read_package"]
