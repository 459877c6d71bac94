"""`mgmt-ansible agent`: run an agent, and see those that are known."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import options, output, references, text
from mgmt_ansible.cli.groups import PromptGroup
from mgmt_ansible.cli.output import Cell

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import Agent

app = typer.Typer(
    cls=PromptGroup,
    help="Run an agent (`mgmt-ansible agent --config FILE`), or see those that are known.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

_COLUMNS = ("NAME", "VERSION", "ENVIRONMENTS", "LAST SEEN", "FIRST SEEN")

_EXAMPLE = """\
# Configuration of an mgmt-ansible agent; keep it on the machine that reaches the hosts.
control_plane:
  url: http://127.0.0.1:8765
  token_file: agent.token          # made by: mgmt-ansible agent token NAME --environment ENVIRONMENT; chmod 600
data_dir: /var/lib/mgmt-ansible-agent
environments:
  - id: "000000000000000000000000"   # of: mgmt-ansible environment list
    inventory: /etc/ansible/hosts    # file, executable script or directory, as Ansible takes it
    pattern: all                     # Ansible host pattern
    # become: true
    # ansible_cfg: /etc/ansible/ansible.cfg
    # vault_password_files: [/etc/ansible/vault-password]
    # base_dir: /var/lib/mgmt-ansible   # on the hosts
"""


@app.callback()
def run(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Run the agent that this file describes.")
    ] = None,
) -> None:
    """Run an agent with --config FILE until SIGINT or SIGTERM; or see those that are known."""
    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise errors.ConfigError("config: is missing: `mgmt-ansible agent example` prints one to start from")
    from mgmt_ansible import bootstrap
    from mgmt_ansible.settings.agent import load_agent_settings

    settings = load_agent_settings(config)
    bootstrap.run_agent(settings, _stop_on_signals())


@app.command("list")
def list_agents(
    context: typer.Context,
    watch: options.WatchOption = False,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List agents as they last announced themselves."""
    with options.connected(context, json_output, data) as session:

        def show_all() -> None:
            session.output.show_list(list(session.client.agents.list_agents()), _COLUMNS, _row)

        session.output.watch(show_all) if watch else show_all()


@app.command()
def token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The agent is listed by this name.")],
    environment: Annotated[
        list[str], typer.Option("--environment", help="Id or name of an environment that it may serve; repeatable.")
    ],
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Make a token for an agent and print it, this once; keep it in a file with mode 600."""
    with options.connected(context, json_output, data) as session:
        found = [references.find_environment(session.client, one).id for one in environment]
        made = session.client.access.create_token(name, kind="agent", environment_ids=found)
        session.output.say(made.token or "", output.as_json(made))


@app.command()
def invite(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The agent will be listed by this name.")],
    environment: options.EnvironmentOption,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="How the agent's machine reaches the control plane; as you do without it."
        ),
    ] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Print what to type on a new agent's machine, and the one-time code that it asks for (good for 15 minutes)."""
    with options.connected(context, json_output, data) as session:
        found = references.find_environment(session.client, environment)
        made = session.client.environments.invite_agent(found.id, name, control_plane_url=url)
        if session.output.json:
            output.print_json(output.as_json(made))
            return
        print("\n".join(made.commands))
        print(f"\ncode, once and until {text.clock(made.expires_at)}: {made.code}")


@app.command()
def enroll(
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the control plane.")],
    inventory: Annotated[
        Path, typer.Option("--inventory", metavar="PATH", help="The hosts, as Ansible takes them.")
    ] = Path("/etc/ansible/hosts"),
    pattern: Annotated[str, typer.Option("--pattern", help="Which of them: an Ansible host pattern.")] = "all",
    become: Annotated[bool, typer.Option("--become", help="Become root on the hosts.")] = False,
    base_dir: Annotated[
        str, typer.Option("--base-dir", metavar="DIR", help="On the hosts; they choose one without it.")
    ] = "",
    ansible_cfg: Annotated[
        Path | None, typer.Option("--ansible-cfg", metavar="FILE", help="Your own ansible.cfg.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Certificates to trust for the control plane.")
    ] = None,
    start: Annotated[bool, typer.Option("--start", help="Run the agent then, until SIGINT or SIGTERM.")] = False,
) -> None:
    """Make this folder an agent's: asks for the one-time code, writes agent.yaml and agent.token."""
    from mgmt_ansible import bootstrap
    from mgmt_ansible.cli import enrolling
    from mgmt_ansible.settings.agent import load_agent_settings
    from mgmt_ansible.settings.agent_files import AgentFile

    file = AgentFile(
        control_plane_url=url.rstrip("/"),
        environment_id="",
        environment_name="",
        inventory=str(inventory.expanduser().absolute()),
        pattern=pattern,
        become=become,
        base_dir=base_dir,
        ansible_cfg=ansible_cfg.expanduser().absolute() if ansible_cfg else None,
        ca_file=ca_file.expanduser().absolute() if ca_file else None,
    )
    written = enrolling.enroll(file)
    print(f"written: {written}; start it with `mgmt-ansible agent --config {written.absolute()}`", flush=True)
    if start:
        bootstrap.run_agent(load_agent_settings(written), _stop_on_signals())


@app.command()
def example() -> None:
    """Print a configuration to start from."""
    print(_EXAMPLE, end="")


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - prescribed by signal
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    return stop


def _row(agent: Agent) -> Sequence[Cell]:
    return (
        agent.name,
        agent.version,
        ", ".join(agent.environment_ids),
        text.ago(agent.last_seen_at),
        text.ago(agent.first_seen_at),
    )
