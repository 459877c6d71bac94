"""Passwords: argon2id, as slow for nobody as for somebody."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import argon2
import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.passwords import Passwords


def seconds_of(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def test_hashes_are_argon2id_as_rfc_9106_says():
    """Its second recommended option."""
    passwords = Passwords()
    password_hash = passwords.hash("correct horse battery")

    assert password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.match(password_hash, "correct horse battery")
    assert not passwords.match(password_hash, "correct horse")
    assert not passwords.is_outdated(password_hash)


def test_nobody_takes_as_long_as_somebody():
    """The middle of five each, in turn, in seconds of the processor: within half of the other."""
    passwords = Passwords()
    known = passwords.hash("correct horse battery")
    passwords.match(None, "first")
    tries = [
        (seconds_of(lambda: passwords.match(known, "wrong")), seconds_of(lambda: passwords.match(None, "wrong")))
        for _ in range(5)
    ]

    somebody, nobody = (statistics.median(seconds) for seconds in zip(*tries, strict=True))
    assert 0.5 < nobody / somebody < 2


def test_a_hash_of_other_parameters_is_outdated():
    """It is made anew at the next sign-in."""
    cheap = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))

    assert Passwords().is_outdated(cheap.hash("correct horse battery"))


def test_a_damaged_hash_is_told():
    """Not taken for a wrong password."""
    with pytest.raises(errors.StoreError, match="damaged"):
        Passwords().match("no hash", "x")
