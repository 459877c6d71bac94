from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.redaction import _MARGIN, REDACTED, clean_text, redact, redact_value, secret_forms


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
            "-----BEGIN%20OPENSSH%20PRIVATE%20KEY-----%0Ahunter2hunter2%0A-----END%20OPENSSH%20PRIVATE%20KEY-----",
            "-----BEGIN+RSA+PRIVATE+KEY-----%0Ahunter2hunter2",
            "in base64: LS0tLS1CRUdJTiBSU0Ehunter2hunter2LS0tLS1F=",
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

    @pytest.mark.timeout(200)
    @pytest.mark.parametrize(
        "piece",
        [
            "a",
            "a.",
            "token",
            "pass-",
            "token ",
            "http",
            "://a:",
            "-----BEGIN ",
            "-----BEGIN%20",
            "LS0tLS1CRUdJTi",
            "password" + " " * 99,
            "bearer ",
        ],
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

    @pytest.mark.parametrize("between", ["\x1b[0m", "\x00", "\u202e", "\u200f", "\u2028", "\r\n"])
    def test_finds_a_known_secret_that_controls_were_put_into(self, between: str) -> None:
        """What is gone before the text is stored must not hide it."""
        text = redact(f"it is s3cr{between}3tvalue", ["s3cr3tvalue", "s3cr\n3tvalue"])

        assert f"it is {REDACTED}" == text

    def test_takes_a_token_out_of_a_url(self) -> None:
        """Package indexes and forges take it where a name stands."""
        assert f"get https://{REDACTED}@host/x" == redact("get https://ghp_0123456789abcdef@host/x")
        assert "git+ssh://git@host/x" == redact("git+ssh://git@host/x")


class TestSecretForms:
    """The disguises of a known secret."""

    SECRET = 'p&ss "wörd"/42\\'

    @pytest.mark.parametrize(
        "disguise",
        [
            lambda one: json.dumps({"x": one}),
            lambda one: json.dumps({"x": one}, ensure_ascii=False),
            lambda one: repr([one]),
            quote,
            lambda one: quote(one, safe=""),
            quote_plus,
            lambda one: base64.b64encode(one.encode()).decode(),
            lambda one: base64.b64encode(f"user:{one}".encode()).decode(),
            lambda one: base64.urlsafe_b64encode(f"me:{one}:more".encode()).decode(),
        ],
    )
    def test_are_all_found(self, disguise) -> None:
        """As JSON, as Python prints it, in a URL, in a header."""
        assert REDACTED in redact(disguise(self.SECRET), secret_forms([self.SECRET]))

    def test_finds_each_line_of_a_key(self) -> None:
        """A key is seldom printed as a whole."""
        key = "first line of a key\nsecond line of it\nend"

        assert f"bad: {REDACTED}" == redact("bad: second line of it", secret_forms([key]))
        assert "the end" == redact("the end", secret_forms([key]))

    @given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=12), st.binary(max_size=5))
    def test_are_found_in_base64_wherever_they_begin(self, secret: str, before: bytes) -> None:
        """Three alignments are all that there are."""
        text = base64.b64encode(before + secret.encode() + b"tail").decode()

        assert REDACTED in redact(text, secret_forms([secret]))


class TestRedactValue:
    """Whole values, as logs and messages hold them."""

    def test_reaches_every_text_and_key(self) -> None:
        """Numbers and booleans stay what they are."""
        value = {"a s3cr3t": ["s3cr3t", {"x": ("s3cr3t", 1, None, True)}]}

        assert {f"a {REDACTED}": [REDACTED, {"x": [REDACTED, 1, None, True]}]} == redact_value(value, ["s3cr3t"])

    def test_ends_in_deep_and_unknown_values(self) -> None:
        """An object is its `repr`; a deep value is cut."""
        deep: object = "s3cr3t"
        for _ in range(100):
            deep = [deep]

        assert "s3cr3t" not in str(redact_value([deep, ValueError("s3cr3t")], ["s3cr3t"]))


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


def test_a_text_that_comes_again_is_treated_as_the_first_time():
    """What was remembered as harmless is still cut, and still redacted once a part of it is known to be secret."""
    text = "the gate opened after 3 s for horse battery staple"

    assert text == redact(text) == redact(text)
    assert "… staple" == redact(text, limit=8)
    assert f"the gate opened after 3 s for {REDACTED}" == redact(text, ["horse battery staple"])
    assert text == redact(text)
