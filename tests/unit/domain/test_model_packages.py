from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.model_packages import PackageFile, manifest_digest


def file(path: str, *, mode: str = "0644", size: int = 1, sha256: str = "0" * 64) -> PackageFile:
    return PackageFile(path=path, mode=mode, size_bytes=size, sha256=sha256)


class TestManifestDigest:
    """The digest by which a package is known everywhere."""

    def test_is_the_sha256_of_the_sorted_json_lines(self) -> None:
        """The text that is hashed is fixed: hosts compute the same."""
        lines = f'["a.txt","0644",1,"{"0" * 64}"]\n["b/\\u00e9","0755",2,"{"1" * 64}"]\n'
        files = [file("b/é", mode="0755", size=2, sha256="1" * 64), file("a.txt")]

        assert hashlib.sha256(lines.encode()).hexdigest() == manifest_digest(files)

    @given(st.permutations([file("a"), file("b"), file("a/b"), file("é"), file("\U0001f600")]))
    def test_does_not_depend_on_the_order(self, files: list[PackageFile]) -> None:
        """Archives list their files in any order."""
        assert manifest_digest(sorted(files, key=lambda one: one.path)) == manifest_digest(files)

    def test_sees_every_attribute(self) -> None:
        """Path, mode, size and content each change it."""
        base = file("a")
        others = [file("b"), file("a", mode="0755"), file("a", size=2), file("a", sha256="f" * 64)]

        assert len(others) + 1 == len({manifest_digest([one]) for one in [base, *others]})
