"""Routes that do something: one deployment at a time, and several at once; each asks before."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.pages import asking
from mgmt_ansible.control_plane.pages.forms import last, read_form, require_same_site, require_typed
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.wire import api_v2

MOST_AT_ONCE = 100
BULK = ("relaunch", "stop")
_Form = Annotated[dict[str, list[str]], Depends(read_form)]


def action_router(services: Services, templates: Templates) -> APIRouter:
    """Return the routes that ask, and the routes that do."""
    router = APIRouter(include_in_schema=False, route_class=page_route(templates))
    _add_single(router, services, templates)
    _add_bulk(router, services, templates)
    return router


def _add_single(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/deployments/{deployment_id}/ask/{verb_name}")
    def ask_page(request: Request, deployment_id: str, verb_name: str) -> Response:
        verb = asking.find_verb(verb_name)
        asking.require(request.state.principal, verb)
        deployment = services.deployments.get_deployment(deployment_id)
        return templates.page(
            "ask.html",
            place="/",
            question=asking.question(services, deployment, verb),
            packages=services.registry.list_packages(limit=500).data if verb.name == "replace" else [],
            principal=request.state.principal,
        )

    @router.post("/deployments/{deployment_id}/ask/{verb_name}")
    def do(request: Request, deployment_id: str, verb_name: str, form: _Form) -> Response:
        require_same_site(request)
        verb = asking.find_verb(verb_name)
        asking.require(request.state.principal, verb)
        deployment = services.deployments.get_deployment(deployment_id)
        dry = bool(last(form, "dry_run"))
        word = asking.typed_word(deployment, verb)
        if word and not dry:
            require_typed(form, word)
        accepted = _accept(
            services, deployment_id, verb, form, dry=dry, asker=Asker(actor=request.state.principal.name)
        )
        path = f"/deployments/{deployment_id}"
        return RedirectResponse(f"{path}/actions/{accepted.action_id}" if dry else path, status_code=303)


def _accept(
    services: Services, deployment_id: str, verb: asking.Verb, form: dict[str, list[str]], *, dry: bool, asker: Asker
) -> api_v2.ActionAccepted:
    if verb.type is ActionType.DEPLOYMENT_REPLACE_MODEL:
        package = last(form, "package")
        if not package:
            raise errors.InvalidRequestError("package: choose the model package that shall serve")
        body = api_v2.ModelReplacement(model_package_id=package, dry_run=dry)
        return services.deployments.replace_model(deployment_id, body, asker)
    wish = api_v2.ActionIn(type=verb.type, dry_run=dry and verb.dry, failed_only=verb.failed_only)
    return services.deployments.act(deployment_id, wish, asker)


def _add_bulk(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/bulk")
    def ask_all(
        request: Request, verb: str = "", ids: Annotated[list[str] | None, Query(alias="id", max_length=500)] = None
    ) -> Response:
        chosen = _bulk_verb(verb)
        asking.require(request.state.principal, chosen)
        return templates.page(
            "bulk.html",
            place="/",
            verb=chosen,
            questions=_questions(services, chosen, ids or []),
            results=None,
            principal=request.state.principal,
        )

    @router.post("/bulk")
    def do_all(request: Request, form: _Form) -> Response:
        require_same_site(request)
        chosen = _bulk_verb(last(form, "verb"))
        principal = request.state.principal
        asking.require(principal, chosen)
        questions = _questions(services, chosen, form.get("id", []))
        if any(one.typed for one in questions if not one.refusal):
            require_typed(form, f"{chosen.name} {len([one for one in questions if not one.refusal])}")
        results = [(one, _do_one(services, one, Asker(actor=principal.name))) for one in questions]
        return templates.page(
            "bulk.html", place="/", verb=chosen, questions=questions, results=results, principal=principal
        )


def _bulk_verb(name: str) -> asking.Verb:
    if name not in BULK:
        raise errors.InvalidRequestError(f"verb: of several deployments only {' and '.join(BULK)} can be asked")
    return asking.find_verb(name)


def _questions(services: Services, verb: asking.Verb, ids: list[str]) -> list[asking.Question]:
    chosen = list(dict.fromkeys(ids))
    if not 0 < len(chosen) <= MOST_AT_ONCE:
        raise errors.InvalidRequestError(f"id: choose 1 to {MOST_AT_ONCE} deployments in the list, then ask again")
    return [asking.question(services, services.deployments.get_deployment(one), verb) for one in chosen]


def _do_one(services: Services, asked: asking.Question, asker: Asker) -> str:
    """Do it for one; return why not, else nothing. One that is refused does not hold up the others."""
    if asked.refusal:
        return asked.refusal
    try:
        services.deployments.act(asked.deployment.id, api_v2.ActionIn(type=asked.verb.type), asker)
    except errors.MgmtAnsibleError as exc:
        return str(exc)
    return ""
