"""Words of people become hosts, or an error that says what is right; no root needed."""

from __future__ import annotations

import pytest

from tests.testbed import plans
from tests.testbed.commands import BedError


def test_hosts_get_addresses_in_order():
    """Options are a host's own."""
    one, two = plans.parse_hosts(("s1:systemd:disk=300M,memory=512M", "p1:plain"))
    assert ("s1", "systemd", "10.77.0.11", "300M", "512M") == (one.name, one.kind, one.address, one.disk, one.memory)
    assert ("p1", "plain", "10.77.0.12", "", "") == (two.name, two.kind, two.address, two.disk, two.memory)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give 1 to 100 hosts"),
        (("s1",), "the kind must be one of systemd, docker, podman, plain"),
        (("s1:windows",), "the kind must be one of"),
        (("../x:plain",), "the name must be"),
        (("hub:plain",), "the name must be"),
        (("averyverylongname:plain",), "the name must be"),
        (("p1:plain", "p1:plain"), "the same name"),
        (("p1:plain:disk=lots",), "disk=300M"),
        (("p1:plain:suite=x;reboot",), "suite=trixie"),
        (("p1:plain:color=red",), "'color=red'"),
    ],
)
def test_wrong_words_are_named(words, said):
    """Hostile ones too: a name becomes a folder, a namespace and a host name."""
    with pytest.raises(BedError) as caught:
        plans.parse_hosts(words)
    assert said in str(caught.value)


@pytest.mark.parametrize("bed_id", ["", "a/b", "A", "a-b", "x" * 17, "1a"])
def test_an_id_is_a_short_word(bed_id):
    """It is part of every name on the machine."""
    with pytest.raises(BedError, match="must be 1 to 16"):
        plans.label_of(bed_id)


def test_a_plan_is_read_as_it_was_written(tmp_path):
    """Tuples and paths too."""
    hosts = plans.parse_hosts(("p1:plain", "d1:docker:suite=trixie"))
    plan = plans.Plan(
        id="tb", state=tmp_path, cache=tmp_path / "cache", hosts=hosts, ports=(8001,), loopback="127.77.3"
    )
    plan.save()
    assert plan == plans.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hosts": [{}]}', '{"hosts": 3}', "\0"])
def test_a_damaged_plan_is_an_error_that_says_what_next(tmp_path, text):
    """`down` needs no plan."""
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(BedError, match=r"damaged .* next: python -m tests.testbed down"):
        plans.load(tmp_path)
