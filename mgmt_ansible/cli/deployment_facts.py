"""`mgmt-ansible deployment change`: what people call a deployment, how much depends on it, and who owns it."""

from __future__ import annotations

from typing import Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import bodies, deployment_rows, options, references


def change(
    context: typer.Context,
    deployment: options.DeploymentArgument,
    label: Annotated[str | None, typer.Option("--label", help="What people call it.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="Free text.")] = None,
    importance: Annotated[str | None, typer.Option("--importance", help="LOW, MODERATE, HIGH or CRITICAL.")] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Name of a user, or of a service's token, that sees its environment.")
    ] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Change what is told of a deployment; hosts do not notice, and what is not given stays."""
    from mgmt_ansible.wire.api_v2 import DeploymentPatch

    given = {"label": label, "description": description, "owner": owner}
    given["importance"] = importance.upper() if importance else None
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        raise errors.InvalidRequestError("give --label, --description, --importance or --owner")
    with options.connected(context, json_output, data) as session:
        found = references.find_deployment(session.client, deployment)
        body = bodies.checked(DeploymentPatch, **chosen)
        changed = session.client.deployments.change_deployment(found.id, body)
        session.output.show_one(changed, deployment_rows.pairs)
