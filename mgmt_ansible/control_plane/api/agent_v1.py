"""`/agent/v1`: the shapes are `mgmt_ansible/wire/agent_v1.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.api.asking import Asking
from mgmt_ansible.control_plane.api.builds import archive_answer
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.wakeups import POLL_SECONDS
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.reports import AgentHello, ClaimRequest, Heartbeat
from mgmt_ansible.wire import agent_v1

MAX_WAIT_SECONDS = 30.0
MAX_REPORTS = 100

_T = TypeVar("_T")


def _body(adapter: TypeAdapter[_T]) -> Callable[[Request], object]:
    async def read(request: Request) -> _T:
        return agent_v1.parse_json(adapter, await request.body())

    return read


def agent_router(services: Services) -> APIRouter:
    """Return the routes for agents."""
    router = APIRouter(prefix="/agent/v1", tags=["agents"])
    agents = services.agents

    @router.post("/hello", status_code=204)
    def hello(principal: Asking, body: Annotated[AgentHello, Depends(_body(agent_v1.HELLO))]) -> None:
        """Announce an agent and its environments."""
        agents.hello(principal, body)

    @router.post("/claims", response_model=None, responses={200: {"model": Claim}, 204: {}})
    async def claim(
        request: Request, principal: Asking, body: Annotated[ClaimRequest, Depends(_body(agent_v1.CLAIM_REQUEST))]
    ) -> Response:
        """Claim one action, waiting for one at most `wait_seconds` (30)."""
        await run_in_threadpool(agents.seen, principal)
        claimed = await _claim(services, request, principal, body)
        if claimed is None:
            return Response(status_code=204)
        return Response(agent_v1.to_json(agent_v1.CLAIM, claimed), media_type="application/json")

    @router.post("/actions/{action_id}/heartbeat", response_model=None)
    def heartbeat(
        action_id: str, principal: Asking, body: Annotated[Heartbeat, Depends(_body(agent_v1.HEARTBEAT))]
    ) -> Response:
        """Keep a claim; 409 `claim_lost` when somebody else holds the action."""
        answer = agents.heartbeat(principal, action_id, body.attempt)
        return Response(agent_v1.to_json(agent_v1.HEARTBEAT_ANSWER, answer), media_type="application/json")

    @router.post("/actions/{action_id}/release", status_code=204)
    def release(
        action_id: str, principal: Asking, body: Annotated[Heartbeat, Depends(_body(agent_v1.HEARTBEAT))]
    ) -> None:
        """Give a claim back: the action is offered again at once; 409 `claim_lost` as for a heartbeat."""
        agents.release(principal, action_id, body.attempt)

    @router.post("/reports", status_code=204)
    def report(principal: Asking, body: Annotated[agent_v1.ReportBatch, Depends(_body(agent_v1.REPORT_BATCH))]) -> None:
        """Take reports in order, each once."""
        if len(body.reports) > MAX_REPORTS:
            raise errors.InvalidRequestError(f"reports: at most {MAX_REPORTS} at a time")
        agents.report(principal, body.reports)

    @router.get("/packages/{package_id}/archive", response_class=FileResponse)
    def archive(package_id: str, principal: Asking) -> FileResponse:
        """Return a package's archive; `Range` is honoured; 403 when nothing in the agent's environments is about it."""
        return archive_answer(services.registry, package_id, principal)

    return router


async def _claim(services: Services, request: Request, principal: Principal, body: ClaimRequest) -> Claim | None:
    """Claim now, or as soon as there is something: woken in this process, by polling for other processes."""
    deadline = time.monotonic() + min(max(body.wait_seconds, 0.0), MAX_WAIT_SECONDS)
    while not await request.is_disconnected():
        claimed = await run_in_threadpool(services.agents.claim, principal, body)
        remaining = deadline - time.monotonic()
        if claimed is not None or remaining <= 0 or services.wakeups.stopping:
            return claimed
        await services.wakeups.wait(min(POLL_SECONDS, remaining))
    return None
