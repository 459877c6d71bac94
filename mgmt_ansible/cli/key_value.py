"""`mgmt-ansible keyvalue`: facts that people and pipelines keep beside deployments, environments, packages and models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import bodies, options, references, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.key_values import EntityType, KeyValueCategory, KeyValueType

if TYPE_CHECKING:
    from mgmt_ansible.cli.options import Session
    from mgmt_ansible.wire.tags import KeyValue

app = typer.Typer(
    help="Key-values: parameters, metrics and links beside a deployment, an environment, a package or a registered model.",
    epilog="Try: keyvalue set auc 0.91 --package fraud:3 --category metric --type numeric; keyvalue list --package fraud:3.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLUMNS = ("NAME", "VALUE", "TYPE", "CATEGORY", "OF", "ID OF IT", "BY")

DeploymentOption = Annotated[str | None, typer.Option("--deployment", help="Of this deployment: id or label.")]
EnvironmentOption = Annotated[str | None, typer.Option("--environment", help="Of this environment: id or name.")]
PackageOption = Annotated[str | None, typer.Option("--package", help="Of this package: id, NAME:VERSION, NAME@ALIAS.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Of this registered model: id or name.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the key-value.")]


class _Thing(NamedTuple):
    """What key-values are of."""

    type: EntityType
    id: str


@app.command("list")
def list_key_values(
    context: typer.Context,
    deployment: DeploymentOption = None,
    environment: EnvironmentOption = None,
    package: PackageOption = None,
    model: ModelOption = None,
    name: Annotated[str | None, typer.Option("--name", help="Only of this name.")] = None,
    category: Annotated[KeyValueCategory | None, typer.Option("--category", help="Only of this category.")] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List key-values by name: of one thing, or of everything."""
    with options.connected(context, json_output, data) as session:
        thing = _thing(session, deployment, environment, package, model)
        found = session.client.key_values.list_key_values(
            entity_type=thing.type if thing else None,
            entity_id=thing.id if thing else None,
            name=name,
            category=category,
        )
        session.output.show_list(list(found), _COLUMNS, _row)


@app.command("set")
def set_key_value(
    context: typer.Context,
    name: NameArgument,
    value: Annotated[
        str | None, typer.Argument(metavar="VALUE", help="Needed but for a credential, whose value is kept nowhere.")
    ] = None,
    deployment: DeploymentOption = None,
    environment: EnvironmentOption = None,
    package: PackageOption = None,
    model: ModelOption = None,
    category: Annotated[KeyValueCategory | None, typer.Option("--category", help="A new one: tag.")] = None,
    value_type: Annotated[KeyValueType | None, typer.Option("--type", help="A new one: string.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="For people.")] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Keep a key-value, or change the one that is there; what is not given stays."""
    from mgmt_ansible.wire.tags import KeyValueIn, KeyValuePatch

    if value is not None and value_type is KeyValueType.CREDENTIAL:
        raise errors.InvalidRequestError("VALUE: a credential's is kept nowhere, and a command line is seen by others")
    fields = {"value": value, "category": category, "value_type": value_type, "description": description}
    with options.connected(context, json_output, data) as session:
        thing = _needed(_thing(session, deployment, environment, package, model))
        known = _named(session, thing, name)
        if known is None:
            new = {"category": KeyValueCategory.TAG, "value_type": KeyValueType.STRING}
            given = {field: one for field, one in fields.items() if one is not None}
            body = bodies.checked(KeyValueIn, entity_type=thing.type, entity_id=thing.id, name=name, **{**new, **given})
            kept = session.client.key_values.add_key_value(body)
        else:
            kept = session.client.key_values.change_key_value(known.id, bodies.checked(KeyValuePatch, **fields))
        session.output.show_one(kept, _pairs)


@app.command("remove")
def remove_key_value(
    context: typer.Context,
    name: NameArgument,
    deployment: DeploymentOption = None,
    environment: EnvironmentOption = None,
    package: PackageOption = None,
    model: ModelOption = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Remove a key-value."""
    with options.connected(context, json_output, data) as session:
        known = _named(session, _needed(_thing(session, deployment, environment, package, model)), name)
        if known is None:
            raise errors.NotFoundError(f"there is no key-value {text.clean(name)!r}; see `mgmt-ansible keyvalue list`")
        session.client.key_values.delete_key_value(known.id)
        session.output.say(f"key-value {text.clean(name)} is removed", {"id": known.id, "deleted": True})


def _thing(
    session: Session, deployment: str | None, environment: str | None, package: str | None, model: str | None
) -> _Thing | None:
    """Return what was named; None for nothing, InvalidRequestError for several."""
    if sum(one is not None for one in (deployment, environment, package, model)) > 1:
        raise errors.InvalidRequestError("give one of --deployment, --environment, --package and --model")
    client = session.client
    if deployment is not None:
        return _Thing(EntityType.DEPLOYMENT, references.find_deployment(client, deployment).id)
    if environment is not None:
        return _Thing(EntityType.ENVIRONMENT, references.find_environment(client, environment).id)
    if package is not None:
        return _Thing(EntityType.PACKAGE, references.find_package(client, package).id)
    return (
        None
        if model is None
        else _Thing(EntityType.REGISTERED_MODEL, references.find_registered_model(client, model).id)
    )


def _needed(thing: _Thing | None) -> _Thing:
    if thing is None:
        raise errors.InvalidRequestError("of what? Give one of --deployment, --environment, --package and --model")
    return thing


def _named(session: Session, thing: _Thing, name: str) -> KeyValue | None:
    found = session.client.key_values.list_key_values(entity_type=thing.type, entity_id=thing.id, name=name)
    return next((one for one in found if one.name == name), None)


def _row(one: KeyValue) -> Sequence[Cell]:
    return (one.name, one.value, one.value_type, one.category, one.entity_type, one.entity_id, one.creator_name)


def _pairs(one: KeyValue) -> Iterator[tuple[str, Cell]]:
    yield from zip(("name", "value", "type", "category", "of", "id of it", "by"), _row(one), strict=True)
    yield "description", one.description or None
