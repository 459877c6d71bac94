"""The command line: `mgmt-ansible NOUN VERB`, and the programs `up`, `demo`, `serve` and `agent`.

Modules of this floor import what is heavy inside functions, so that `--help` answers at once.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line: the console script `mgmt-ansible`."""
    from mgmt_ansible.cli.program import app

    app()
