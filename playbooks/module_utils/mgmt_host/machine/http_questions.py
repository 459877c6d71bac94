"""Many questions to one server at a time, by one thread: none waits for another, and an answer may come late.

```
 ask --connecting--> sent --answer, or the connection ends--> settled
        '------------- nothing within LATE_SECONDS -------------'
```
HTTP/1.0 by hand, as `http_probe` has it, which asks one question and waits.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from contextlib import suppress
from typing import Any

from . import http_probe

LATE_SECONDS = 30.0
"""After that nobody waits any more; a proxy lets a request wait for a model as long."""

_UNDER_WAY = (0, errno.EINPROGRESS)


class Question:
    """One question.

    Attributes:
        phase: In which it was asked.
        began: Of the monotonic clock, in seconds.
        seconds: Until it was settled.
        status: HTTP status of the answer; None while or because there was none.
    """

    def __init__(self, phase: str, unsent: bytes) -> None:
        self.phase = phase
        self.began = time.monotonic()
        self.seconds = 0.0
        self.status: int | None = None
        self._unsent = unsent
        self._received = b""

    def advance(self, connection: socket.socket) -> bool:
        """Send or receive what can be now; return whether it is settled."""
        try:
            if self._unsent:
                self._unsent = self._unsent[connection.send(self._unsent) :]
                return False
            part = connection.recv(65536)
        except BlockingIOError:
            return False
        except OSError:
            return True
        self._received += part
        if part:
            return len(self._received) > http_probe.LIMIT_BYTES
        with suppress(ValueError):  # what is not HTTP is no answer
            self.status = http_probe.parse(self._received).status
        return True

    @property
    def is_sent(self) -> bool:
        """Whether only the answer is missing."""
        return not self._unsent


class Questions:
    """Those under way to one address; for one thread, and a context manager.

    Args:
        address: IP address, as the host itself reaches it.
        port: TCP port.
        path: Absolute path with query.
    """

    def __init__(self, address: str, port: int, path: str) -> None:
        self._where = (address, port)
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._text = http_probe.render(address, port, path)
        self._selector = selectors.DefaultSelector()
        self._open: dict[socket.socket, Question] = {}  # oldest first
        self._settled: list[Question] = []

    def __enter__(self) -> Questions:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in list(self._open):
            self._settle(connection)
        self._selector.close()

    def __len__(self) -> int:
        """Return how many are not settled."""
        return len(self._open)

    def ask(self, phase: str) -> None:
        """Begin a question; a host that has no socket to spare does not ask, which proves nothing against the server."""
        question = Question(phase, self._text)
        with suppress(OSError):
            connection = socket.socket(self._family)
            connection.setblocking(False)
            self._open[connection] = question
            self._connect(connection)

    def wait(self, seconds: float) -> list[Question]:
        """Let answers come, at most that long or until the first; return what was settled meanwhile."""
        for key, _ in self._selector.select(max(0.0, seconds)):
            self._advance(key.fileobj)
        late = time.monotonic() - LATE_SECONDS
        for connection in [one for one, question in self._open.items() if question.began < late]:
            self._settle(connection)
        return self._take()

    def give_up(self) -> list[Question]:
        """Return all that is left as not answered."""
        for connection in list(self._open):
            self._settle(connection)
        return self._take()

    def _connect(self, connection: socket.socket) -> None:
        try:
            refused = connection.connect_ex(self._where) not in _UNDER_WAY
        except OSError:  # a name that means nothing here
            refused = True
        if refused:
            self._settle(connection)
        else:
            self._selector.register(connection, selectors.EVENT_WRITE)

    def _advance(self, connection: Any) -> None:
        question = self._open[connection]
        if question.advance(connection):
            self._settle(connection)
        elif question.is_sent:
            self._selector.modify(connection, selectors.EVENT_READ)

    def _settle(self, connection: socket.socket) -> None:
        question = self._open.pop(connection)
        question.seconds = time.monotonic() - question.began
        if connection.fileno() in self._selector.get_map():
            self._selector.unregister(connection)
        connection.close()
        self._settled.append(question)

    def _take(self) -> list[Question]:
        settled, self._settled = self._settled, []
        return settled
