"""Lines of a run's log."""

from __future__ import annotations

from mgmt_ansible.domain.run_logs import LONGEST_LINE, lines_of


def test_output_becomes_lines_without_their_ends():
    """Empty lines inside stay, as they part what belongs together."""
    assert ("PLAY [all]", "", "TASK [x]") == lines_of("PLAY [all]\n\nTASK [x]\n")
    assert () == lines_of("")
    assert () == lines_of("\n")


def test_a_long_line_is_cut_and_says_so():
    """A module that prints a megabyte takes no megabyte of a page."""
    (line,) = lines_of("x" * (LONGEST_LINE + 7))

    assert line.startswith("x" * LONGEST_LINE)
    assert line.endswith("… (7 more characters)")
