"""Registered models: numbered versions, aliases that move, and packages without an archive."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.database import Database
from mgmt_ansible.control_plane.store.migrating import migrate
from mgmt_ansible.control_plane.store.packages import PackageFilters
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site


def model_of(site: Site) -> api_v2.RegisteredModel:
    return site.services.registered_models.get_model(site.package.registered_model_id or "")


def point(site: Site, alias: str, package: api_v2.ModelPackage) -> api_v2.ModelAlias:
    body = api_v2.ModelAliasIn(model_package_id=package.id)
    return site.services.registered_models.set_alias(package.registered_model_id or "", alias, body, actor="ann")


def external(site: Site, **told: object) -> api_v2.ModelPackage:
    return site.services.registered_models.add_external(api_v2.ModelPackageIn(**{"name": "ext", **told}), actor="ann")


def test_packages_of_one_name_are_its_versions(site: Site):
    """Counted from 1; no number is given twice."""
    site.services.registry.delete_package(site.newer.id)
    third = site.add_package("fraud", "3")

    assert [1, 2, 3] == [one.registered_model_version for one in (site.package, site.newer, third)]
    assert ("fraud", 3, 2) == ((model := model_of(site)).name, model.last_version_num, model.version_count)
    assert [3, 1] == [
        one.registered_model_version for one in site.services.registered_models.list_versions(model.id).data
    ]


def test_an_alias_is_set_moved_and_deleted(site: Site):
    """At any time it points to one version."""
    models = site.services.registered_models
    assert 1 == point(site, "champion", site.package).registered_model_version
    assert 2 == point(site, "champion", site.newer).registered_model_version
    point(site, "challenger", site.newer)

    assert ["challenger", "champion"] == site.services.registry.get_package(site.newer.id).aliases
    models.delete_alias(site.newer.registered_model_id or "", "champion")
    assert ["challenger"] == [one.alias for one in model_of(site).aliases]
    with pytest.raises(errors.NotFoundError):
        models.delete_alias(site.newer.registered_model_id or "", "champion")


@pytest.mark.parametrize("alias", ["latest", "v1", "Champion", "a b", "", "a" * 65, "a@b"])
def test_what_reads_like_a_version_is_no_alias(site: Site, alias: str):
    """Nor what has other characters."""
    with pytest.raises(errors.InvalidRequestError, match="alias"):
        point(site, alias, site.package)


def test_an_alias_points_to_versions_of_its_own_model_only(site: Site):
    """And not to archived ones."""
    other = site.add_package("churn", "1")
    with pytest.raises(errors.NotFoundError, match="no version"):
        site.services.registered_models.set_alias(
            site.package.registered_model_id or "",
            "champion",
            api_v2.ModelAliasIn(model_package_id=other.id),
            actor="a",
        )
    site.services.registry.archive_package(site.newer.id)
    with pytest.raises(errors.InvalidRequestError, match="archived"):
        point(site, "champion", site.newer)


def test_a_deployment_is_launched_and_replaced_by_alias(site: Site):
    """With what the alias points to at that moment; moving it later changes nothing."""
    point(site, "champion", site.package)
    body = api_v2.DeploymentIn(
        model_package_id="fraud@champion",
        label="l",
        prediction_environment_id=site.environment.id,
        deployment_id="d1",
    )
    site.services.deployments.create(body, site.asker)
    site.run()
    point(site, "champion", site.newer)
    assert site.package.id == site.deployment().model_package.id

    site.services.deployments.replace_model(
        "d1", api_v2.ModelReplacement(model_package_id="fraud@champion"), site.asker
    )

    assert site.newer.id == site.deployment().model_package.id
    with pytest.raises(errors.NotFoundError, match="no alias"):
        site.services.deployments.replace_model("d1", api_v2.ModelReplacement(model_package_id="fraud@x"), site.asker)


def test_what_an_alias_points_to_is_not_deleted(site: Site):
    """Nor archived: the alias is moved first."""
    point(site, "champion", site.package)

    for remove in (site.services.registry.delete_package, site.services.registry.archive_package):
        with pytest.raises(errors.InvalidRequestError, match="champion"):
            remove(site.package.id)


def test_an_archived_package_is_in_no_list(site: Site):
    """Unless asked for; it can still be read."""
    site.services.registry.archive_package(site.newer.id)

    ids = [one.id for one in site.services.registry.list_packages().data]
    every = [one.id for one in site.services.registry.list_packages(PackageFilters(archived=True)).data]

    assert ([site.package.id], [site.newer.id, site.package.id]) == (ids, every)
    assert site.services.registry.get_package(site.newer.id).is_archived


def test_a_package_can_be_known_by_its_description_only(site: Site):
    """What its author told is what is read."""
    made = external(site, model_id="m-1", target=api_v2.ModelTarget(name="y", type=api_v2.TargetType.BINARY))

    assert ("external", "m-1", "y", 0, "1", 1) == (
        made.runtime,
        made.model_id,
        made.target.name,
        made.archive_bytes,
        made.version,
        made.registered_model_version,
    )
    assert "2" == external(site).version
    assert ["ext", "fraud"] == [one.name for one in site.services.registered_models.list_models().data]


def test_an_agent_is_never_asked_to_serve_a_description(site: Site):
    """Only where owners serve themselves; nor is there a file."""
    made = external(site)
    body = api_v2.DeploymentIn(
        model_package_id=made.id, label="l", prediction_environment_id=site.environment.id, deployment_id="d1"
    )
    with pytest.raises(errors.InvalidRequestError, match="no archive"):
        site.services.deployments.create(body, site.asker)
    with pytest.raises(errors.InvalidRequestError, match="no archive"):
        site.services.registry.archive_path(made.id)

    site.services.registry.update_environment(
        site.environment.id, api_v2.PredictionEnvironmentPatch(managed_by="selfManaged")
    )
    site.services.deployments.create(body, site.asker)

    assert DeploymentState.READY is site.deployment().state


def test_a_model_is_renamed_and_deleted_when_it_is_empty(site: Site):
    """Its packages keep the name that they were given."""
    models = site.services.registered_models
    model_id = site.package.registered_model_id or ""
    external(site, name="other")

    assert "scam" == models.change_model(model_id, api_v2.RegisteredModelPatch(name="scam"), actor="ann").name
    assert "fraud" == site.services.registry.get_package(site.package.id).name
    with pytest.raises(errors.ConflictError):
        models.change_model(model_id, api_v2.RegisteredModelPatch(name="other"), actor="ann")
    with pytest.raises(errors.InvalidRequestError, match="version"):
        models.delete_model(model_id)
    for package in (site.package, site.newer):
        site.services.registry.delete_package(package.id)
    models.delete_model(model_id)
    with pytest.raises(errors.NotFoundError):
        models.get_model(model_id)


def test_one_of_id_and_name_of_the_model_suffices(site: Site):
    """Both of one model are fine, of two are not."""
    model_id = site.package.registered_model_id
    assert model_id == external(site, registered_model_id=model_id).registered_model_id
    assert model_id == external(site, registered_model_id=model_id, registered_model_name="fraud").registered_model_id
    with pytest.raises(errors.InvalidRequestError, match="registeredModelName"):
        external(site, registered_model_id=model_id, registered_model_name="churn")


def test_packages_of_a_former_release_become_versions(empty_database_url: str):
    """In the order in which they came."""
    database = Database(empty_database_url)
    migrate(database, to="0004")
    with database.write() as connection:
        for number, (name, version) in enumerate([("fraud", "b"), ("churn", "x"), ("fraud", "a")]):
            connection.execute(
                sa.text(
                    "INSERT INTO packages (id, name, version, digest, archive_sha256, archive_bytes, runtime, created_at)"
                    " VALUES (:id, :name, :version, :id, :id, 1, 'onnx', '2026-11-01 00:00:00')"
                ),
                {"id": f"p{number}", "name": name, "version": version},
            )
    migrate(database)
    database.close()
    store = Store(empty_database_url)

    with store.read() as tx:
        models = tx.registered_models.list(search=None, limit=10, offset=0).data
        fraud = tx.packages.list(PackageFilters(name="fraud"), limit=10, offset=0).data

    store.close()
    assert [("churn", 1), ("fraud", 2)] == [(one.name, one.last_version_num) for one in models]
    assert [("a", 2), ("b", 1)] == [(one.version, one.registered_model_version) for one in fraud]
    assert {models[1].id} == {one.registered_model_id for one in fraud}
