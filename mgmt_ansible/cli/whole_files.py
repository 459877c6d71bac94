"""Files that a command writes: whole under their names, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mgmt_ansible import errors


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Lend a file that appears under its name when the block ends well; until then, its name ends in `.part`.

    Raises:
        ConflictError: It is there already.
        InvalidRequestError: It cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    if target.exists():
        raise errors.ConflictError(f"{target} is there already. Next: name a new file, or remove it")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except OSError as exc:
        raise errors.InvalidRequestError(f"{target} cannot be written: {exc}") from exc
    finally:
        part.unlink(missing_ok=True)
