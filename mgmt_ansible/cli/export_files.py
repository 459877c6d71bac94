"""Files that a list is written to: their formats, and that they are whole or not there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from mgmt_ansible.cli.whole_files import whole_file
from mgmt_ansible.domain.table_formats import TableFormat

if TYPE_CHECKING:
    from mgmt_ansible.cli.output import Output

TargetArgument = Annotated[str, typer.Argument(metavar="FILE", help="New file to write to; - for standard output.")]
FormatOption = Annotated[
    TableFormat | None, typer.Option("--format", help="Without it what FILE's name ends with, else csv.")
]


def table_format(target: str, chosen: TableFormat | None) -> TableFormat:
    """Return the format that was chosen, else that of a file's name, else CSV."""
    suffix = suffix_of(target)
    return chosen or (TableFormat(suffix) if suffix in set(TableFormat) else TableFormat.CSV)


def suffix_of(target: str) -> str:
    """Return what a file's name ends with, in small letters."""
    return Path(target).suffix.removeprefix(".").lower()


def write(output: Output, target: str, what: str, export: Callable[[BinaryIO], int]) -> None:
    """Write a new file, and say how many lines it has; to standard output comes nothing else.

    Args:
        output: To say it.
        target: Path, or - for standard output.
        what: What its lines are.
        export: Writes, and returns how many.

    Raises:
        ConflictError: The file is there already.
        InvalidRequestError: It cannot be written.
    """
    if target == "-":
        export(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with whole_file(Path(target)) as file:
        count = export(file)
    output.say(f"{count} {what} are in {target}", {"file": target, "count": count})
