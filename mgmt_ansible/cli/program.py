"""The program itself: its nouns, its own options, and errors as exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import mgmt_ansible
from mgmt_ansible import errors
from mgmt_ansible.cli import (
    agent,
    audit,
    deployment,
    environment,
    event,
    exit_codes,
    host,
    key_value,
    notification,
    package,
    programs,
    retention,
    run,
    selftest,
    store,
    text,
    token,
    user,
    view,
)
from mgmt_ansible.cli.groups import PromptGroup
from mgmt_ansible.cli.options import Choices


class ErrorTranslatingGroup(PromptGroup):
    """Prints an error of the tree as one sentence and exits with its code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer keeps its context type private
        """Run the command."""
        try:
            return super().invoke(ctx)
        except errors.MgmtAnsibleError as exc:
            print(f"mgmt-ansible: {text.clean_lines(str(exc)) or type(exc).__name__}", file=sys.stderr)
            raise typer.Exit(exit_codes.BY_ERROR[exc.code]) from exc


app = typer.Typer(
    name="mgmt-ansible",
    cls=ErrorTranslatingGroup,
    help="MLOps management agent for fleets without Kubernetes: deployment events become Ansible runs.",
    epilog="Exit codes: 0 done; 1 failed or rolled back; 2 usage or settings; 3 outcome unknown; "
    "4 not found or conflict; 5 control plane not reached.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(deployment.app, name="deployment")
app.add_typer(package.app, name="package")
app.add_typer(environment.app, name="environment")
app.add_typer(key_value.app, name="keyvalue")
app.add_typer(event.app, name="event")
app.add_typer(run.app, name="run")
app.add_typer(host.app, name="host")
app.add_typer(agent.app, name="agent")
app.add_typer(retention.app, name="retention")
app.add_typer(audit.app, name="audit")
app.add_typer(user.app, name="user")
app.add_typer(token.app, name="token")
app.add_typer(view.app, name="view")
app.add_typer(store.app, name="store")
app.add_typer(notification.app, name="notification")
app.add_typer(selftest.app, name="selftest")
programs.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mgmt-ansible {mgmt_ansible.__version__}")
        raise typer.Exit


@app.callback()
def _program(
    context: typer.Context,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder of `up` or `serve`: says where the control plane is."),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    context.obj = Choices(json=json_output, data=data)
