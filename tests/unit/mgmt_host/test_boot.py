"""The crontab line, with a crontab program of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from mgmt_host.journal import Journal
from mgmt_host.running import boot, slots

FAKE = """\
#!/bin/sh
case $1 in
-l) [ -f "{0}" ] && cat "{0}" || {{ echo "no crontab for me" >&2; exit 1; }} ;;
-) cat > "{0}" ;;
esac
"""


@pytest.fixture
def crontab(tmp_path, monkeypatch):
    """Return the file of a fake crontab that comes first in PATH."""
    program = tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(FAKE.format(tmp_path / "crontab.txt"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path / "crontab.txt"


def test_a_launch_adds_one_line_and_keeps_the_others(host, crontab):
    """The user's own lines stay as they are."""
    crontab.write_text("5 4 * * * backup\n")
    result = host.act("deployment_launch", 1, host.package(), boot_start=True)
    host.act("deployment_launch", 1, host.package(9.0), boot_start=True)
    lines = crontab.read_text().splitlines()

    assert "no_boot_start" not in result["notes"]
    assert ["5 4 * * * backup", True] == [lines[0], lines[1].startswith("@reboot ")]
    assert 2 == len(lines)


def test_the_last_stop_takes_the_line_away(host, crontab):
    """Nothing of ours is left in the crontab."""
    host.act("deployment_launch", 1, host.package(), boot_start=True)
    host.act("deployment_stop", 2)

    assert "" == crontab.read_text()


def test_without_a_crontab_a_note_says_so(host, monkeypatch, tmp_path):
    """The host will not start it after a reboot, and the result tells."""
    Path(host.own().slot("a")).mkdir(parents=True)
    Path(host.own().state).write_text('{"wanted": "running", "live": {"slot": "a"}}')
    monkeypatch.setenv("PATH", str(tmp_path))

    assert boot.arrange(host.own(), host.layout, Journal(None, (0, 0))) is False


def test_one_bad_deployment_does_not_keep_the_others_from_booting(host):
    """What follows starts, and the exit code tells."""
    host.act("deployment_launch", 1, host.package())
    slot = slots.find(host.own(), "a")
    slots.stop(slot, 5.0)
    Path(host.own("a-bad-one").state).mkdir(parents=True)
    code = boot.start_all(host.base_dir)
    slots.wait_supervised(slot)

    assert (1, True) == (code, slot.running)


def test_what_is_no_deployment_is_passed_over_at_boot(host):
    """A stray folder is nobody's fault."""
    Path(host.layout.path("deployments", "lost+found")).mkdir()

    assert 0 == boot.start_all(host.base_dir)


def test_changes_of_the_crontab_are_effects(host, crontab):
    """Once when the line comes."""
    host.act("deployment_launch", 1, host.package(), boot_start=True)

    assert ("the crontab starts deployments after a boot", True) == (host.effects()[-1], crontab.exists())


def test_an_unreadable_deployment_does_not_keep_another_from_stopping(host, crontab):
    """It may be wanted, so the line stays."""
    host.act("deployment_launch", 1, host.package(), boot_start=True)
    Path(host.own("a-bad-one").state).mkdir(parents=True)
    result = host.act("deployment_stop", 2)

    assert ("changed", True) == (result["outcome"], "@reboot" in crontab.read_text())
