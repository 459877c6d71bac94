"""Appended to the `journal.py` of a content copy, after `reaching.py`: stops the module on the host at its named steps.

Steps are `begin`, `step:NAME` (entered), `effect:STEP.N` (done on the host, its line not written yet) and
`write:FILE.N` (about to be replaced; FILE of `fence`, `state`, `result`). The place is the deployment's id, or `host` for
the work on packages, which belongs to no deployment.
"""
# ruff: noqa: F821 - the names are those of journal.py, reaching.py and content.py in the copy

from __future__ import annotations

_WRITES = ("fence", "state", "result")
_plain_init, _plain_step, _plain_effect = Journal.__init__, Journal.step, Journal.effect
_plain_write = durable_files.write_text
_counts = {}
_current = []


def _counted(name: str) -> str:
    _counts[name] = _counts.get(name, 0) + 1
    return f"{name}.{_counts[name]}"


def _bar(journal: Journal, step: str, what: str = "") -> None:
    own = journal._own
    facts = {"generation": journal._pair[0], "attempt": journal._pair[1], "what": what}
    facts["base_dir"] = os.path.dirname(os.path.dirname(own.folder)) if own is not None else ""
    reach(KILLS_FOLDER, os.path.basename(own.folder) if own is not None else "host", step, facts)


def _init(self: Journal, own: object, pair: tuple) -> None:
    _plain_init(self, own, pair)
    if own is not None:
        _current[:] = [self]
        _bar(self, "begin")


def _step(self: Journal, name: str) -> object:
    _bar(self, "step:" + name)
    return _plain_step(self, name)


def _effect(self: Journal, what: str) -> None:
    _bar(self, _counted("effect:" + self.steps[-1]["name"]), what)
    _plain_effect(self, what)


def _write(path: str, text: str, mode: int = 0o600) -> None:
    name = os.path.basename(path)[: -len(".json")]
    if _current and name in _WRITES:
        _bar(_current[0], _counted("write:" + name), name)
    _plain_write(path, text, mode)


Journal.__init__, Journal.step, Journal.effect = _init, _step, _effect
durable_files.write_text = _write
