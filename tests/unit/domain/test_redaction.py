from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.redaction import _MARGIN, REDACTED, clean_text, redact


class TestRedact:
    """What is taken out of every text."""

    @pytest.mark.parametrize(
        "text",
        [
            "password=hunter2hunter2",
            "DB_PASSWORD: hunter2hunter2",
            '{"api_key": "hunter2hunter2"}',
            "Authorization: Bearer hunter2hunter2",
            "curl -H 'authorization: token hunter2hunter2'",
            "https://user:hunter2hunter2@registry.example/simple",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2hunter2\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nhunter2hunter2 (cut",
        ],
    )
    def test_takes_out_what_looks_like_a_secret(self, text: str) -> None:
        """Assignments, headers, URLs and keys lose their value."""
        assert "hunter2hunter2" not in redact(text)
        assert REDACTED in redact(text)

    def test_takes_out_known_values_anywhere(self) -> None:
        """A known secret is found without any mark beside it."""
        assert f"pip said {REDACTED} twice {REDACTED}" == redact("pip said s3cr3t twice s3cr3t", ["s3cr3t"])

    def test_ignores_secrets_too_short_to_mean_anything(self) -> None:
        """A one-letter secret would blank every text."""
        assert "a cab" == redact("a cab", ["a", ""])

    def test_leaves_ordinary_text(self) -> None:
        """Words that merely stand near are kept."""
        text = "the token bucket is empty; passes: 3, see https://host.example:8080/path"

        assert text == redact(text)

    @pytest.mark.timeout(20)
    @pytest.mark.parametrize(
        "piece",
        ["a", "a.", "token", "pass-", "token ", "http", "://a:", "-----BEGIN ", "password" + " " * 99, "bearer "],
    )
    def test_is_done_with_a_hostile_megabyte(self, piece: str) -> None:
        """One long word, or many that begin like a secret, cost no more than other text."""
        assert len(redact(piece * (1_000_000 // len(piece)))) <= 16_384

    @pytest.mark.parametrize("cut", range(36))
    @pytest.mark.parametrize("start", ["password: hunter2hunter2 ", "Authorization: Bearer hunter2hunter2 "])
    def test_does_not_let_a_cut_part_a_secret_from_its_mark(self, start: str, cut: int) -> None:
        """Wherever the cut falls, and however much the rest shrinks."""
        shrinks = "password=" + "x" * 4_140 + " "
        searched = 100 + _MARGIN
        text = start + shrinks + "y" * (searched + cut - len(start) - len(shrinks))

        assert "ter2" not in redact(text, limit=100)

    def test_does_not_cut_a_known_secret_in_two(self) -> None:
        """Known values go before anything is cut."""
        assert "cr3t" not in redact("s3cr3t" + "x" * 97 + "y", ["s3cr3t"], limit=100)

    def test_keeps_what_follows_a_cut(self) -> None:
        """Only the first words are lost."""
        assert redact("a b " * 10_000 + "the end", limit=10).endswith("the end")


class TestCleanText:
    """What a terminal, a page and a log may be given."""

    def test_strips_terminal_escapes_and_controls(self) -> None:
        """Colours, titles, bells and bidirectional overrides go; newlines and tabs stay."""
        assert "red\n\ttitle end" == clean_text("\x1b[31mred\x1b[0m\r\n\ttitle\x1b]0;evil\x07\u202e end\x00")

    def test_keeps_the_end(self) -> None:
        """The last lines of a log tell what happened."""
        assert "…cde" == clean_text("abcde", limit=4)

    @given(st.text())
    def test_lets_no_control_character_through(self, text: str) -> None:
        """Whatever comes in."""
        assert not [char for char in clean_text(text) if char not in {"\n", "\t"} and ord(char) < 32]

    def test_leaves_only_what_can_be_encoded(self) -> None:
        """A lone surrogate would break the report that carries it."""
        assert "ab" == clean_text("a\ud800\udfffb")
