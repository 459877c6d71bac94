"""Server-sent events: octets -> messages. Source: HTML Living Standard, "Interpreting an event stream"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mgmt_ansible import errors

MAXIMUM_MESSAGE_BYTES = 4 * 1024 * 1024
"""A message, or a line, beyond this is refused."""

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a stream.

    Attributes:
        id: The stream's last id when the message was dispatched; empty when it never had one.
        name: What kind it is; `message` when the stream did not say.
        data: Its lines, joined by line feeds.
    """

    id: str
    name: str
    data: str


def parse(chunks: Iterable[bytes]) -> Iterator[Message]:
    """Yield the messages in a stream; one that is cut off at the end is dropped, as the standard demands.

    Args:
        chunks: Octets, cut anywhere.

    Raises:
        ControlPlaneError: A message is larger than `MAXIMUM_MESSAGE_BYTES`.
    """
    last_id, name, size = "", "", 0
    data: list[str] = []
    for line in _lines(chunks):
        size += len(line)
        if size > MAXIMUM_MESSAGE_BYTES:
            raise errors.ControlPlaneError(
                f"the event stream sent a message of more than {MAXIMUM_MESSAGE_BYTES} bytes"
            )
        if not line:
            if data:
                yield Message(id=last_id, name=name or "message", data="\n".join(data))
            name, data, size = "", [], 0
            continue
        field, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = _LINE_END.split(rest + chunk)
        yield from whole
        if len(rest) > MAXIMUM_MESSAGE_BYTES:
            raise errors.ControlPlaneError(f"the event stream sent a line of more than {MAXIMUM_MESSAGE_BYTES} bytes")
