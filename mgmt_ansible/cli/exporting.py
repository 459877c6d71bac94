"""A recorded run -> a folder that runs by hand: the control plane's record, the agent's configuration."""

from __future__ import annotations

from pathlib import Path

from mgmt_ansible import bootstrap, errors
from mgmt_ansible.cli.options import Session
from mgmt_ansible.settings.agent import load_agent_settings


def export_run(
    session: Session, run_id: str, directory: Path, *, agent_config: Path | None, base_dir: str | None
) -> None:
    """Write the folder.

    Args:
        session: Of the command.
        run_id: Of the recorded run.
        directory: Must not exist, or be empty.
        agent_config: Configuration of the agent that ran it; None finds the one of `up` beside `client.yaml`.
        base_dir: Another base directory on the hosts.

    Raises:
        ConfigError: No agent configuration is known.
        ConflictError: The agent's configuration has changed since.
    """
    settings = load_agent_settings(agent_config or _agent_file(session.data))
    run = session.client.runs.get_run(run_id)
    if not run.request_hash:
        raise errors.ConflictError(
            f"run {run_id} goes on, or nobody told how it ended: only a run that was told can be written"
        )
    bootstrap.export_run(
        settings,
        spec=session.client.actions.get_spec(run.action_id),
        run_id=run.id,
        attempt=run.attempt,
        hosts=tuple(host.host for host in run.hosts),
        request_hash=run.request_hash,
        directory=directory,
        base_dir=base_dir,
    )


def _agent_file(data: Path | None) -> Path:
    path = data / "agent.yaml" if data is not None else None
    if path is None or not path.exists():
        raise errors.ConfigError("agent-config: name the agent's configuration file with --agent-config FILE")
    return path
