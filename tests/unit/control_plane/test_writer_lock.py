"""The queue of writers: first come, first served, and nobody for longer than they want."""

from __future__ import annotations

import threading
import time

from mgmt_ansible.control_plane.store.writer_lock import Queue

PATIENCE_SECONDS = 60


def until_waiting(queue: Queue, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while queue.length != count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_writers_come_in_their_order():
    """Also when one of them gives it back and asks at once again."""
    queue, order = Queue(), list[int]()

    def write(number: int) -> None:
        assert queue.acquire(timeout=PATIENCE_SECONDS)
        order.append(number)
        queue.release()

    assert queue.acquire(timeout=0)
    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for number, thread in enumerate(threads):
        thread.start()
        until_waiting(queue, number + 1)
    queue.release()
    assert queue.acquire(timeout=PATIENCE_SECONDS)
    order.append(4)
    queue.release()
    for thread in threads:
        thread.join()

    assert [0, 1, 2, 3, 4] == order


def test_who_gives_up_is_passed_over():
    """The next one gets it."""
    queue, got = Queue(), threading.Event()
    assert queue.acquire(timeout=0)

    assert not queue.acquire(timeout=0)
    assert 0 == queue.length

    thread = threading.Thread(target=lambda: queue.acquire(timeout=PATIENCE_SECONDS) and got.set())
    thread.start()
    until_waiting(queue, 1)
    queue.release()
    thread.join()

    assert got.is_set()
    queue.release()
    assert queue.acquire(timeout=0)
