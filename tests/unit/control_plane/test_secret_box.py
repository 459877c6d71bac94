"""Secrets in the box: opened by the key only, and only for what they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying.secret_box import SecretBox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


def test_what_is_sealed_is_opened(path: Path):
    """With a new nonce each time; the key is its owner's."""
    box = SecretBox(path)
    first, second = (box.seal("s3cret", about="c") for _ in range(2))

    assert ("s3cret", "s3cret") == (box.open(first, about="c"), SecretBox(path).open(second, about="c"))
    assert first != second
    assert "s3cret" not in first
    assert 0o600 == path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    "change", [lambda text: text[:-4] + "AAA=", lambda text: text[:9] + "?", lambda text: text[:9], lambda _: ""]
)
def test_what_was_changed_is_refused(path: Path, change):
    """Or moved to another channel."""
    box = SecretBox(path)
    sealed = box.seal("s3cret", about="c")

    for text, about in ((change(sealed), "c"), (sealed, "d")):
        with pytest.raises(errors.ConfigError):
            box.open(text, about=about)


@pytest.mark.parametrize("text", ["", "zz", "00", "00" * 33, "\udcff"])
def test_a_key_that_is_none_is_refused_by_its_file(path: Path, text: str):
    """Nothing is written over it."""
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(errors.ConfigError, match=r"notifications/key_file: .*key"):
        SecretBox(path).seal("x", about="c")
    assert text.encode(errors="surrogateescape") == path.read_bytes()


def test_without_the_key_nothing_is_made(path: Path):
    """Opening says what is missing."""
    sealed = SecretBox(path).seal("x", about="c")
    path.unlink()

    with pytest.raises(errors.ConfigError, match="cannot be read"):
        SecretBox(path).open(sealed, about="c")
    assert not path.exists()
