"""ansible-runner without the inheritance of the agent's whole environment."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_runner.config.runner import RunnerConfig

_OWN_VARIABLES = frozenset(
    {
        "ANSIBLE_CALLBACK_PLUGINS",
        "ANSIBLE_RETRY_FILES_ENABLED",
        "ANSIBLE_STDOUT_CALLBACK",
        "AWX_ISOLATED_DATA_DIR",
        "ORIGINAL_STDOUT_CALLBACK",
        "RUNNER_OMIT_EVENTS",
        "RUNNER_ONLY_FAILED_EVENTS",
    }
)
"""What ansible-runner itself sets for its callback (source: ansible-runner 2.4, config/_base.py)."""


class MinimalRunnerConfig(RunnerConfig):  # type: ignore[misc] # ansible-runner ships no types
    """A run whose processes see the given environment and nothing else of ours."""

    def __init__(self, *, environment: Mapping[str, str], **options: object) -> None:
        """Describe a run.

        Args:
            environment: All that Ansible may see, besides ansible-runner's own variables.
            options: Of ansible-runner's `RunnerConfig`.
        """
        # Empty values keep ansible-runner from extending what the agent's own environment says.
        blanks = {"ANSIBLE_CALLBACK_PLUGINS": "", "AWX_LIB_DIRECTORY": ""}
        super().__init__(envvars={**blanks, **environment}, fact_cache_type="none", quiet=True, **options)
        self._visible = _OWN_VARIABLES | environment.keys()

    def prepare_env(self) -> None:
        """Let ansible-runner prepare its environment, then drop what it inherited."""
        super().prepare_env()
        self.env: dict[str, str] = {name: value for name, value in self.env.items() if name in self._visible}
