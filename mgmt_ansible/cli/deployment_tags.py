"""`mgmt-ansible deployment tag`: names with values that people put on a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import bodies, options, references, text

if TYPE_CHECKING:
    from mgmt_ansible.cli.options import Session
    from mgmt_ansible.wire.tags import Tag

app = typer.Typer(
    help="Tags: names with values that people put on a deployment.", no_args_is_help=True, rich_markup_mode=None
)

DeploymentArgument = Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Id or label of the deployment.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the tag.")]


@app.command("list")
def list_tags(
    context: typer.Context,
    deployment: DeploymentArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List a deployment's tags by name."""
    with options.connected(context, json_output, data) as session:
        found = list(session.client.deployment_tags.list_tags(_id_of(session, deployment)))
        session.output.show_list(found, ("NAME", "VALUE"), lambda tag: (tag.name, tag.value))


@app.command("set")
def set_tag(
    context: typer.Context,
    deployment: DeploymentArgument,
    name: NameArgument,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="May be empty.")] = "",
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Put a tag on a deployment, or give the one that is there another value."""
    from mgmt_ansible.wire.tags import TagIn, TagPatch

    with options.connected(context, json_output, data) as session:
        tags, deployment_id = session.client.deployment_tags, _id_of(session, deployment)
        known = _named(session, deployment_id, name)
        if known is None:
            tag = tags.add_tag(deployment_id, bodies.checked(TagIn, name=name, value=value))
        else:
            tag = tags.change_tag(deployment_id, known.id, bodies.checked(TagPatch, value=value))
        session.output.show_one(tag, lambda one: (("name", one.name), ("value", one.value)))


@app.command("remove")
def remove_tag(
    context: typer.Context,
    deployment: DeploymentArgument,
    name: NameArgument,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Take a tag off a deployment."""
    with options.connected(context, json_output, data) as session:
        deployment_id = _id_of(session, deployment)
        known = _named(session, deployment_id, name)
        if known is None:
            raise errors.NotFoundError(
                f"{text.clean(deployment)!r} has no tag {text.clean(name)!r}; see `mgmt-ansible deployment tag list`"
            )
        session.client.deployment_tags.delete_tag(deployment_id, known.id)
        session.output.say(f"tag {text.clean(name)} is removed", {"id": known.id, "deleted": True})


def _id_of(session: Session, reference: str) -> str:
    return references.find_deployment(session.client, reference).id


def _named(session: Session, deployment_id: str, name: str) -> Tag | None:
    tags = session.client.deployment_tags.list_tags(deployment_id)
    return next((tag for tag in tags if tag.name == name), None)
