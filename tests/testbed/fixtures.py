"""Hosts for tests: made once a session when a test first asks, healed after each test, reset when a test dirtied them.

A test says `def test_...(systemd_host)`, or `plain_host`, `docker_host`, `podman_host`. A host that a test leaves with files
is marked by `host.dirty = True`. Where no host can be made, the tests are skipped and say why.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.testbed import beds, containers, faults, plans, requirements
from tests.testbed.hosts import Host


@pytest.fixture(scope="session")
def make_bed(tmp_path_factory) -> Iterator[Callable[..., beds.Bed]]:
    """A function that makes a testbed of hosts like `s1:systemd`; all are taken down at the end, and nothing is left."""
    reason = requirements.reason_against()
    if reason is not None:
        pytest.skip(f"no test hosts: {reason}")
    made: list[plans.Plan] = []

    def make(*words: str) -> beds.Bed:
        bed_id = f"p{os.getpid()}n{len(made)}"
        plan = plans.Plan(
            id=bed_id,
            state=plans.default_state(bed_id),
            cache=plans.default_cache(),
            hosts=plans.parse_hosts(words),
        )
        made.append(plan)
        return beds.up(plan, beds.stopwatch(beds.tell_stderr))

    yield make
    left = [beds.down(plan.id, plan.state, beds.tell_stderr) for plan in made]
    assert not any(any(one.values()) for one in left), left


@pytest.fixture(scope="session")
def host_of_kind(make_bed) -> Callable[[str], Host]:
    """A function that returns the session's host of a kind."""
    made: dict[str, Host] = {}

    def of_kind(kind: str) -> Host:
        if kind not in made:
            made[kind] = make_bed(f"{kind[0]}1:{kind}").of_kind(kind)
        return made[kind]

    return of_kind


def _lease(host: Host) -> Iterator[Host]:
    host.dirty = False
    yield host
    faults.heal(host)
    if host.dirty:
        containers.reset(host, beds.tell_stderr)


@pytest.fixture
def systemd_host(host_of_kind) -> Iterator[Host]:
    """A Debian with systemd as process 1; `deploy` may sudo."""
    yield from _lease(host_of_kind("systemd"))


@pytest.fixture
def plain_host(host_of_kind) -> Iterator[Host]:
    """Only an sshd: no systemd, no sudo, no root."""
    yield from _lease(host_of_kind("plain"))


@pytest.fixture
def docker_host(host_of_kind) -> Iterator[Host]:
    """systemd and dockerd, with the image `containers.IMAGE`."""
    yield from _lease(host_of_kind("docker"))


@pytest.fixture
def podman_host(host_of_kind) -> Iterator[Host]:
    """systemd and podman, for root and for `deploy` without root, with the image `containers.IMAGE` for root."""
    yield from _lease(host_of_kind("podman"))
