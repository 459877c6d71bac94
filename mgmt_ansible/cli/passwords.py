"""Passwords at the command line: typed without echo, or read from a file, and never an argument."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mgmt_ansible import errors

_LONGEST_FILE = 4096

PasswordFileOption = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Its first line is the password (-: standard input)."),
]


def read_password(file: Path | None, *, whose: str) -> str:
    """Return a new password, from a file or typed twice.

    Raises:
        ConfigError: The file cannot be read, or there is neither a file nor a terminal.
    """
    if file is not None:
        return _first_line(file)
    if not sys.stdin.isatty():
        raise errors.ConfigError("--password-file: is missing, and there is no terminal to type a password at")
    typed: str = typer.prompt(f"New password of {whose}", hide_input=True, confirmation_prompt=True)
    return typed


def _first_line(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.readline(_LONGEST_FILE).rstrip("\r\n")
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.readline(_LONGEST_FILE).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise errors.ConfigError(f"--password-file: {file} cannot be read ({exc})") from exc
