"""What claims, results and requests should do to one deployment: a small model to compare the real thing with.

Written from docs/design words alone: lists and numbers, no database, no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

CLAIM_LIFE = 30
ALLOWED = {
    "deployment_launch": {"stopped", "errored"},
    "deployment_relaunch": {"launching", "ready", "replacing_model", "errored", "unknown"},
    "deployment_replace_model": {"ready", "errored", "unknown"},
    "deployment_stop": {"launching", "ready", "replacing_model", "stopping", "errored", "unknown"},
}
DURING = {
    "deployment_launch": "launching",
    "deployment_relaunch": "launching",
    "deployment_replace_model": "replacing_model",
    "deployment_stop": "stopping",
}
AFTER = {"failed": "errored", "canceled": "errored", "unknown": "unknown", "superseded": "unknown"}


@dataclass
class Action:
    kind: str
    generation: int
    prior: tuple[str, int]
    status: str = "pending"
    attempt: int = 0
    holder: tuple[str, str] | None = None
    expires: float | None = None
    cancel: bool = False

    @property
    def unfinished(self) -> bool:
        return self.status in ("pending", "running")

    def given_back_by(self, instance: str) -> bool:
        return self.expires is None and self.holder is not None and self.holder[1] == instance


@dataclass
class Model:
    """One deployment, its actions oldest first, and the time."""

    now: float = 0
    state: str = "stopped"
    generation: int = 0
    newest_generation: int = 0
    actions: list[Action] = field(default_factory=list)
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)
    most_attempts: int = 20

    def ask(self, kind: str, key: str | None = None) -> int | str:
        """Return the action's index, or why it is refused."""
        if key in self.keys:
            known, index = self.keys[key]
            return index if known == kind else "conflict"
        if self.state not in ALLOWED[kind]:
            return "transition"
        prior = (self.state, self.generation)
        for action in self.actions:
            if action.status == "pending":
                prior = action.prior
                action.status = "superseded"
        self.newest_generation += 1
        self.generation, self.state = self.newest_generation, DURING[kind]
        self.actions.append(Action(kind, self.generation, prior))
        index = len(self.actions) - 1
        if key is not None:
            self.keys[key] = (kind, index)
        return index

    def claim(self, holder: tuple[str, str]) -> tuple[int, int] | None:
        """Return (index, attempt) of what is handed out."""
        index = self._claimable(holder[1])
        while index is not None and self.actions[index].attempt >= self.most_attempts:
            self._end(index, "unknown")
            index = self._claimable(holder[1])
        if index is None:
            return None
        action = self.actions[index]
        action.status, action.attempt = "running", action.attempt + 1
        action.holder, action.expires = holder, self.now + CLAIM_LIFE
        for older in self.actions[:index]:
            if older.unfinished:
                older.status = "superseded"
        return index, action.attempt

    def heartbeat(self, index: int, attempt: int) -> bool | str:
        """Return whether a cancel is asked for, or `claim_lost`."""
        action = self.actions[index]
        if action.status != "running" or action.attempt != attempt or action.expires is None:
            return "claim_lost"
        action.expires = self.now + CLAIM_LIFE
        return action.cancel

    def release(self, index: int, attempt: int) -> str | None:
        answer = self.heartbeat(index, attempt)
        if isinstance(answer, str):
            return answer
        self.actions[index].expires = None
        return None

    def hello(self, agent: str, instance: str) -> None:
        for action in self.actions:
            former = action.holder is not None and action.holder[0] == agent and action.holder[1] != instance
            if action.status == "running" and former:
                action.expires = None

    def result(self, index: int, attempt: int, status: str) -> None:
        action = self.actions[index]
        if action.status == "running" and action.attempt == attempt:
            self._end(index, status)

    def cancel(self, index: int) -> str | None:
        action = self.actions[index]
        if not action.unfinished:
            return "conflict"
        action.cancel = True
        if action.status == "pending":
            action.status = "canceled"
            if action.generation == self.generation:
                self.state, self.generation = action.prior
        return None

    def _claimable(self, instance: str) -> int | None:
        running = [a for a in self.actions if a.status == "running" and a.expires is not None and a.expires > self.now]
        waiting = [i for i, a in enumerate(self.actions) if a.status == "pending"]
        nobodys = [i for i, a in enumerate(self.actions) if a.status == "running" and not a.given_back_by(instance)]
        if running:
            return None
        return waiting[0] if waiting else nobodys[0] if nobodys else None

    def _end(self, index: int, status: str) -> None:
        action = self.actions[index]
        action.status = status
        stops = action.kind == "deployment_stop"
        state = AFTER.get(status) or ("stopped" if stops else "ready")
        if action.generation == self.generation:
            self.state = state
        for newer in self.actions[index + 1 :]:
            if newer.status == "pending" and newer.prior[1] == action.generation:
                newer.prior = (state, newer.prior[1])
