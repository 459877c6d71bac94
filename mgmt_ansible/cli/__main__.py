"""`python -m mgmt_ansible.cli`: the command line without its console script."""

from __future__ import annotations

from mgmt_ansible.cli import main

if __name__ == "__main__":
    main()
