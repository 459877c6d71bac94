"""Near misses of every cause: a module in the place of ours says the cause's own words and proves nothing.

All of them in one run: the hosts of its inventory are one machine under many names. Each cause ends in two of the ways, in
turn; `MGMT_ANSIBLE_CASES=5` tries all five.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.causes.cause_words import WORDS
from tests.integration.causes.fault_site import FaultSite, assert_cause

WAYS = {
    "killed": "Its last words are the cause's; then SIGKILL.",
    "garbage": "They stand where its answer should be.",
    "misshapen": "Its answer names the cause, and is not of the contract.",
    "failed": "It fails with them as its message, and without a result.",
    "unreachable": "It says that its own host is not reached, and why.",
}
"""Way in which the module ends -> what is special about it."""

MODULE = """\
import json, os, signal, sys
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={name: {"type": "str"} for name in ("words", "word", "way")})
words, word, way = (module.params[name] for name in ("words", "word", "way"))
if way == "killed":
    os.write(2, words.encode() + b"\\n")
    os.kill(os.getpid(), signal.SIGKILL)
if way == "garbage":
    os.write(1, words.encode() + b"\\n")
    os._exit(1)
if way == "misshapen":
    result = {"schema": 0, "outcome": "failed", "cause": word, "message": words}
    module.fail_json(msg=words, mgmt_result=result)
if way == "unreachable":
    os.write(1, json.dumps({"unreachable": True, "msg": words}).encode())
    os._exit(0)
module.fail_json(msg=words)
"""

TASKS = """\
- name: Speak
  mgmt_deployment:
    words: "{{ words }}"
    word: "{{ word }}"
    way: "{{ way }}"
  environment:
    TMPDIR: FOLDER
"""
"""A killed module leaves its unpacked code behind: in the test's own folder."""


TRIED = int(os.environ.get("MGMT_ANSIBLE_CASES", "2"))
CASES = [
    (cause, way)
    for number, cause in enumerate(WORDS)
    for way in [list(WAYS)[(number + step) % len(WAYS)] for step in range(min(TRIED, len(WAYS)))]
]


def name_of(cause: Cause, way: str) -> str:
    return f"{cause.value}-{way}"


@pytest.fixture(scope="module")
def hosts(loopback: LoopbackHost, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, HostOutcome]:
    """What each host of the one run made of it."""
    site = FaultSite(tmp_path_factory.mktemp("words"), loopback)
    site.use_role("speaking", TASKS.replace("FOLDER", str(site.folder)), {"mgmt_deployment": MODULE})
    site.names = {name_of(cause, way): {"words": WORDS[cause], "word": cause.value, "way": way} for cause, way in CASES}
    return site.act_on_all(ActionType.DEPLOYMENT_LAUNCH, site.package(), timeout_seconds=300.0)


def test_every_cause_has_its_words():
    """`signature` is not said yet, `unknown` is what is left."""
    assert set(Cause) - {Cause.SIGNATURE, Cause.UNKNOWN} == set(WORDS)


@pytest.mark.parametrize(("cause", "way"), CASES)
def test_a_causes_own_words_without_its_proof_are_unknown(hosts, cause, way):
    """The module ran, so the host may be changed, and why it ended so is not proved."""
    assert_cause(hosts[name_of(cause, way)], Outcome.UNKNOWN, Cause.UNKNOWN)
