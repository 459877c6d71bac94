"""Lists that come as a file."""

from __future__ import annotations

from typing import BinaryIO

from mgmt_ansible import errors
from mgmt_ansible.client.transport import Query, Transport

_PIECE_BYTES = 64 * 1024
_EXPORT_SECONDS = 300.0
"""Until the next octets: a table is written whole before it is sent."""


def download(transport: Transport, path: str, query: Query, file: BinaryIO) -> int:
    """Write a file as it comes, and return how many lines it has as the control plane counts.

    Raises:
        ControlPlaneUnavailableError: The connection broke; what was written is not whole.
        ControlPlaneError: The answer does not tell how many there are: it is none of ours.
    """
    with transport.open(
        "GET", path, query=query, headers={"Accept": "*/*"}, read_timeout_seconds=_EXPORT_SECONDS
    ) as response:
        for piece in response.iter_content(_PIECE_BYTES):
            file.write(piece)
        return _count_of(response.headers.get("X-Total-Count", ""))


def _count_of(header: str) -> int:
    if not (header.isascii() and header.isdigit()):
        raise errors.ControlPlaneError("the control plane's answer does not tell how many entries there are")
    return int(header)
