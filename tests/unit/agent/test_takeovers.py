"""Claims of work that was begun before: hosts are asked first, and only those that need it are performed."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Identity, Observation, Outcome
from mgmt_ansible.domain.reports import HeartbeatAnswer
from tests.unit.agent.scripted import NOW, ScriptedCache, ScriptedPlugin, make_claim, make_outcome, make_spec
from tests.unit.agent.worlds import World

OLD_MODEL = Identity(digest="d" * 64, generation=1, slot="a", port=8080, pid=7, start_time=9, url="http://h:8080")
DONE = HostOutcome(host="", outcome=Outcome.CHANGED, message="generation 1 serves")


def seen(host: str, *, recorded: HostOutcome | None = None, pair=(1, 1), **fields: object) -> HostOutcome:
    """What a look at a host says."""
    look = Observation(
        deployment_id="churn",
        outcome=Outcome.OK,
        state="running",
        fence_generation=pair[0],
        fence_attempt=pair[1],
        recorded=recorded,
        recorded_generation=pair[0] if recorded else 0,
        recorded_attempt=pair[1] if recorded else 0,
        **fields,  # type: ignore[arg-type]
    )
    return HostOutcome(host=host, outcome=Outcome.OK, observations={"churn": look})


def looks(*hosts: HostOutcome) -> dict[str, HostOutcome]:
    return {host.host: host for host in hosts}


def take_over(*hosts: HostOutcome, names=("h1", "h2"), cancels=(), canceled=False, action=ActionType.DEPLOYMENT_LAUNCH):
    """Perform the second claim of an action whose hosts look like this; return what the agent did and told."""
    plugin = ScriptedPlugin(hosts=names, looks=[looks(*hosts)], cancels=cancels)
    claim = replace(make_claim(make_spec(action), attempt=2), cancel_requested=canceled)
    world = World([claim], plugin=plugin)
    world.agent.run()
    return plugin, world


def test_a_first_claim_asks_nobody():
    """Nothing can have been done yet."""
    plugin = ScriptedPlugin()
    World([make_claim()], plugin=plugin).agent.run()

    assert ([], [("h1",)]) == (plugin.looked, plugin.performed)


def test_what_every_host_recorded_is_the_result_and_nothing_is_performed():
    """The agent died after its work was done, before it could tell."""
    plugin, world = take_over(seen("h1", recorded=DONE), seen("h2", recorded=DONE))

    assert ([(("h1", "h2"), 10.0)], []) == (plugin.looked, plugin.performed)
    assert (ActionStatus.SUCCEEDED, 2) == (world.result.status, world.result.attempt)
    assert "found as an earlier attempt left it: h1, h2" in world.result.message
    assert "generation 1 serves (found on the host: attempt 1 did it)" == world.result.hosts[0].message


def test_a_recorded_failure_is_not_tried_again():
    """The host's own gate said no: a takeover is no second chance."""
    failed = replace(DONE, outcome=Outcome.FAILED, cause=Cause.NOT_READY)

    plugin, world = take_over(seen("h1", recorded=failed), names=("h1",))

    assert [] == plugin.performed
    assert (ActionStatus.FAILED, Cause.NOT_READY) == (world.result.status, world.result.cause)


def test_only_hosts_that_need_it_are_performed():
    """One host was done, the other one's work was killed half-way."""
    plugin, world = take_over(seen("h1", recorded=DONE), seen("h2"))

    assert [("h2",)] == plugin.performed
    assert ["h1", "h2"] == [host.host for host in world.result.hosts]
    assert "found as an earlier attempt left it: h1" in world.result.message


@pytest.mark.parametrize(
    "look",
    [
        seen("h1", working=True),
        seen("h1", recorded=DONE, working=True),
        seen("h1", recorded=replace(DONE, outcome=Outcome.UNKNOWN)),
        seen("h1", recorded=DONE, pair=(0, 9)),
        HostOutcome(host="h1", outcome=Outcome.FAILED, cause=Cause.SUDO),
        HostOutcome(host="h1", outcome=Outcome.UNKNOWN),
    ],
    ids=["still working", "working again", "recorded unknown", "older generation", "look failed", "look unreadable"],
)
def test_a_host_that_proves_no_end_is_performed(look):
    """The new claim's fence stops whoever still works."""
    plugin, _ = take_over(look, names=("h1",))

    assert [("h1",)] == plugin.performed


def test_a_newer_pair_on_a_host_supersedes_the_claim():
    """It is not even tried."""
    plugin, world = take_over(seen("h1", pair=(2, 1)), names=("h1",))

    assert [] == plugin.performed
    assert (ActionStatus.SUPERSEDED, 2, 1) == (
        world.result.status,
        world.result.hosts[0].fence_generation,
        world.result.hosts[0].fence_attempt,
    )


def test_a_host_that_is_not_reached_stays_so_and_the_others_are_done():
    """It is asked once, not blocked on."""
    plugin, world = take_over(seen("h2"))

    assert [("h2",)] == plugin.performed
    assert [Outcome.UNREACHABLE, Outcome.CHANGED] == [host.outcome for host in world.result.hosts]


def test_a_look_that_cannot_be_made_leaves_everything_to_the_hosts_fences():
    """Work on a host can be repeated."""
    plugin = ScriptedPlugin(looks=[errors.ExecutionError("no room")])
    world = World([make_claim(attempt=2)], plugin=plugin)

    world.agent.run()

    assert [("h1",)] == plugin.performed
    assert ActionStatus.SUCCEEDED == world.result.status


def test_a_status_that_was_begun_before_is_simply_done():
    """Looking changes nothing."""
    plugin, _ = take_over(names=("h1",), action=ActionType.DEPLOYMENT_STATUS)

    assert ([], [("h1",)]) == (plugin.looked, plugin.performed)


class TestCanceledBetweenTwoClaims:
    """Somebody canceled while nobody worked on it."""

    def test_a_half_done_host_is_canceled_and_says_what_serves(self):
        """The new model is not brought; the old one was proved."""
        old = HostOutcome(host="h1", outcome=Outcome.CHANGED, identity=OLD_MODEL, old_model_in_use=True)

        plugin, world = take_over(seen("h1"), names=("h1",), cancels=[old], canceled=True)

        assert ([], [("h1",)]) == (plugin.performed, plugin.canceled)
        host = world.result.hosts[0]
        assert (ActionStatus.CANCELED, Outcome.FAILED, OLD_MODEL) == (world.result.status, host.outcome, host.identity)

    def test_a_host_that_never_began_is_not_run_and_fenced_nevertheless(self):
        """Its fence is from before the action; the former claim's command may still arrive."""
        plugin, world = take_over(seen("h1", pair=(0, 0)), names=("h1",), canceled=True)

        assert [("h1",)] == plugin.canceled
        host = world.result.hosts[0]
        assert (Outcome.NOT_RUN, Cause.CANCELED, 0) == (host.outcome, host.cause, host.fence_generation)

    def test_what_was_done_already_is_done(self):
        """A cancel that comes too late says so."""
        plugin, world = take_over(seen("h1", recorded=DONE), names=("h1",), canceled=True)

        assert ([], []) == (plugin.performed, plugin.canceled)
        assert ActionStatus.SUCCEEDED == world.result.status

    def test_a_cancel_that_only_the_heartbeat_tells_is_heard_before_anything_is_done(self):
        """The takeover asks the control plane first."""
        plugin = ScriptedPlugin(looks=[looks(seen("h1"))])
        answer = HeartbeatAnswer(expires_at=NOW, cancel_requested=True)
        world = World([make_claim(attempt=2)], plugin=plugin, beat=lambda: answer)

        world.agent.run()

        assert ([], [("h1",)]) == (plugin.performed, plugin.canceled)

    def test_a_cancel_that_comes_while_the_package_is_fetched_ends_it_on_the_hosts(self):
        """What the earlier claim left half done is not left so."""
        old = HostOutcome(host="h1", outcome=Outcome.CHANGED, identity=OLD_MODEL, old_model_in_use=True)
        asked = threading.Event()

        def fetching() -> None:
            asked.set()
            world.clock.seconds = 60.0  # so long that the claim must be made sure of

        plugin = ScriptedPlugin(looks=[looks(seen("h1"))], cancels=[old])
        world = World(
            [make_claim(attempt=2, heartbeat_seconds=10.0)],
            plugin=plugin,
            cache=ScriptedCache(asked=fetching),
            beat=lambda: HeartbeatAnswer(expires_at=NOW, cancel_requested=asked.is_set()),
        )

        world.agent.run()

        assert ([], [("h1",)]) == (plugin.performed, plugin.canceled)
        assert (ActionStatus.CANCELED, OLD_MODEL) == (world.result.status, world.result.hosts[0].identity)

    def test_a_change_that_ended_just_before_its_cancel_is_told_as_done(self):
        """The host proves the action's own generation."""
        new = replace(OLD_MODEL, generation=1)
        serving = HostOutcome(host="h1", outcome=Outcome.OK, identity=new)

        _, world = take_over(seen("h1", working=True), names=("h1",), cancels=[serving], canceled=True)

        assert (ActionStatus.SUCCEEDED, Outcome.CHANGED) == (world.result.status, world.result.hosts[0].outcome)


class TestBrokenAfterItsLook:
    """The package cannot be had any more."""

    def test_what_was_found_is_told_and_what_was_half_done_is_ended(self):
        """One host had done it, the other one gets its old model back."""
        old = HostOutcome(host="h2", outcome=Outcome.CHANGED, identity=OLD_MODEL, old_model_in_use=True)
        plugin = ScriptedPlugin(hosts=("h1", "h2"), looks=[looks(seen("h1", recorded=DONE), seen("h2"))], cancels=[old])
        cache = ScriptedCache([errors.ArchiveError("the digest differs")])
        world = World([make_claim(attempt=2)], plugin=plugin, cache=cache)

        world.agent.run()

        told = {host.host: (host.outcome, host.cause, host.old_model_in_use) for host in world.result.hosts}
        assert [("h2",)] == plugin.canceled
        assert (Outcome.CHANGED, None, False) == told["h1"]
        assert (Outcome.FAILED, Cause.ARTIFACT, True) == told["h2"]
        assert (ActionStatus.FAILED, Cause.ARTIFACT) == (world.result.status, world.result.cause)

    def test_a_host_that_ended_well_before_it_could_be_ended_is_told_so(self):
        """Its change has no cause of a failure."""
        serving = HostOutcome(host="h1", outcome=Outcome.OK, identity=OLD_MODEL)
        plugin = ScriptedPlugin(looks=[looks(seen("h1", working=True))], cancels=[serving])
        world = World([make_claim(attempt=2)], plugin=plugin, cache=ScriptedCache([errors.ArchiveError("gone")]))

        world.agent.run()

        host = world.result.hosts[0]
        assert (Outcome.CHANGED, None, OLD_MODEL) == (host.outcome, host.cause, host.identity)


class TestSettling:
    """A run that could not report what it did."""

    UNKNOWN = HostOutcome(host="h1", outcome=Outcome.UNKNOWN, message="the connection broke")
    CUT = HostOutcome(host="h1", outcome=Outcome.UNREACHABLE, cause=Cause.UNREACHABLE, message="ssh: reset")

    def settle(self, first: HostOutcome, *looked: dict[str, HostOutcome], action=ActionType.DEPLOYMENT_LAUNCH):
        """Perform a claim whose first run ends so, and later ones well."""
        answers = [first]

        def work(progress, cancel):
            return make_outcome(answers.pop(0) if answers else replace(DONE, host="h1"))

        plugin = ScriptedPlugin(perform=work, looks=looked)
        world = World([make_claim(make_spec(action))], plugin=plugin)
        world.agent.run()
        return plugin, world

    @pytest.mark.parametrize("first", [UNKNOWN, CUT], ids=["unknown", "unreachable"])
    def test_a_host_tells_what_its_run_could_not(self, first):
        """The command went on after the connection broke."""
        plugin, world = self.settle(first, looks(seen("h1", recorded=DONE)))

        assert [("h1",)] == plugin.performed
        assert (ActionStatus.SUCCEEDED, Outcome.CHANGED) == (world.result.status, world.result.outcome)

    def test_a_host_that_still_works_is_waited_for(self):
        """It is asked again until it has ended."""
        working = looks(seen("h1", working=True))

        plugin, world = self.settle(self.UNKNOWN, working, working, looks(seen("h1", recorded=DONE)))

        assert (3, [("h1",)]) == (len(plugin.looked), plugin.performed)
        assert ActionStatus.SUCCEEDED == world.result.status

    def test_what_was_certainly_not_done_is_done_once_more(self):
        """Neither a result nor a holder: informed, not blind."""
        plugin, world = self.settle(self.UNKNOWN, looks(seen("h1", pair=(0, 0))))

        assert [("h1",), ("h1",)] == plugin.performed
        assert ActionStatus.SUCCEEDED == world.result.status

    def test_nothing_is_done_once_more_when_the_actions_time_is_over(self):
        """It would hold its deployment for as long again."""

        def work(progress, cancel):
            world.clock.seconds = 100_000.0
            return make_outcome(self.UNKNOWN)

        plugin = ScriptedPlugin(perform=work, looks=[looks(seen("h1", pair=(0, 0)))])
        world = World([make_claim()], plugin=plugin)
        world.agent.run()

        assert ([("h1",)], 1) == (plugin.performed, len(plugin.looked))
        assert Outcome.UNKNOWN is world.result.outcome

    def test_it_is_done_once_more_only_once(self):
        """What dies twice is unknown."""
        answers = iter([self.UNKNOWN, self.UNKNOWN, self.UNKNOWN])
        plugin = ScriptedPlugin(
            perform=lambda progress, cancel: make_outcome(next(answers)), looks=[looks(seen("h1")), looks(seen("h1"))]
        )
        world = World([make_claim()], plugin=plugin)

        world.agent.run()

        assert (2, 2) == (len(plugin.performed), len(plugin.looked))
        assert (ActionStatus.UNKNOWN, "the connection broke") == (
            world.result.status,
            world.result.hosts[0].message,
        )

    def test_a_host_that_cannot_be_asked_stays_as_it_was(self):
        """Nothing is invented, and it is said that it was tried."""
        plugin, world = self.settle(self.UNKNOWN, {})

        assert [("h1",)] == plugin.performed
        assert (ActionStatus.UNKNOWN, "the connection broke; asking the host again told nothing") == (
            world.result.status,
            world.result.hosts[0].message,
        )

    @pytest.mark.parametrize(
        "fields",
        [
            {"cause": Cause.HOST_KEY},
            {"cause": Cause.AUTH},
            {"message": "Failed to connect to the host via ssh: ssh: connect to host h1 port 22: Connection timed out"},
        ],
    )
    def test_a_host_that_was_not_spoken_to_is_not_asked(self, fields):
        """Its refusal, or its silence, is the answer; a black hole costs no second wait."""
        plugin, _ = self.settle(replace(self.CUT, **fields))

        assert [] == plugin.looked

    def test_a_status_that_is_unknown_is_left_so(self):
        """The next look is the next status."""
        plugin, _ = self.settle(self.UNKNOWN, action=ActionType.DEPLOYMENT_STATUS)

        assert [] == plugin.looked

    def test_a_run_that_crashed_the_agents_own_code_is_settled_too(self):
        """A bug of ours is no reason not to know."""
        calls = []

        def work(progress, cancel):
            calls.append(1)
            raise RuntimeError("a bug")

        plugin = ScriptedPlugin(perform=work, looks=[looks(seen("h1", recorded=DONE))])
        world = World([make_claim()], plugin=plugin)

        world.agent.run()

        assert (ActionStatus.SUCCEEDED, 1) == (world.result.status, len(calls))
