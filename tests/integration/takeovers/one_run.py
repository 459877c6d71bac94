"""A process of its own that executes one run, to be killed: `python -m tests.integration.takeovers.one_run FILE`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path, PurePath

from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.execution.runs import RunExecutor
from tests.integration.loopback_runs import Cancel, Steps, make_installation, make_request


def main() -> None:
    """Execute the run that a JSON file describes."""
    told = json.loads(Path(sys.argv[1]).read_text())
    binding = EnvironmentBinding(
        environment_id=told["environment_id"], inventory=PurePath(told["inventory"]), base_dir=told["base_dir"]
    )
    executor = RunExecutor(
        bindings={binding.environment_id: binding},
        installation=make_installation(),
        content_path=Path(told["content"]),
        archive_path=Path,
        inherited=dict(os.environ),
        agent_id=told["agent_id"],
    )
    executor.execute(make_request(environment_id=binding.environment_id), Steps(), Cancel())


if __name__ == "__main__":
    main()
