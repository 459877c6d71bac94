"""Buckets: how often a token may write."""

from __future__ import annotations

from mgmt_ansible.control_plane.buckets import BURST_SECONDS, Buckets


class SetClock:
    """A monotonic clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def emptied(clock: SetClock, per_second: float = 2) -> Buckets:
    buckets = Buckets(per_second, monotonic=clock)
    assert [0.0] * int(BURST_SECONDS * per_second) == [
        buckets.take("a") for _ in range(int(BURST_SECONDS * per_second))
    ]
    return buckets


def test_an_empty_bucket_tells_when_to_come_again():
    """Ten seconds' worth may come at once."""
    assert 0.5 == emptied(SetClock()).take("a")


def test_a_bucket_fills_again():
    """At its rate, and never above its size."""
    clock = SetClock()
    buckets = emptied(clock)
    clock.now = 0.5

    assert [0.0, 0.5] == [buckets.take("a"), buckets.take("a")]
    clock.now = 1000
    assert 20 == sum(buckets.take("a") == 0 for _ in range(50))


def test_each_token_has_its_own_bucket():
    """One that floods harms nobody else."""
    assert 0.0 == emptied(SetClock()).take("b")


def test_a_rate_below_one_lets_one_through():
    """And then waits for the next."""
    buckets = Buckets(0.01, monotonic=SetClock())

    assert [0.0, 100.0] == [buckets.take("a"), buckets.take("a")]


def test_ever_new_keys_fill_no_memory():
    """What was not used for the longest is forgotten; what was used just now is not."""
    buckets = Buckets(0.001, most=1, monotonic=SetClock())
    keys = [str(number) for number in range(10_001)]

    assert {0.0} == {buckets.take(key) for key in keys}
    assert [0.0, 1000.0] == [buckets.take(keys[0]), buckets.take(keys[-1])]
