"""`webhooks/`: made by administrators; deliveries need no token, as their signature says whose they are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.hook_signatures import HEADERS, Delivery, HookKind
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.hooks import Webhook, WebhookIn
from mgmt_ansible.wire.monitoring import Message

_JSON_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}
_TAKEN = Message(message="the delivery was taken as a hint")


def _delivery(kind: HookKind) -> object:
    async def read(request: Request) -> Delivery:
        found = [request.headers.get(name, "") for name in HEADERS[kind]]
        return Delivery(id=found[0], timestamp=found[1], signatures=found[2], body=await request.body())

    return Depends(read)


def hook_router(services: Services) -> APIRouter:
    """Return the routes of inbound webhooks."""
    router = APIRouter(prefix="/webhooks", tags=["webhooks"])
    hooks = services.hooks

    @router.get("/")
    def list_webhooks(paging: Paging) -> Page[Webhook]:
        """List webhooks by name; their secrets are never told again."""
        return paging.page(hooks.list_hooks(limit=paging.limit, offset=paging.offset))

    @router.post("/", status_code=201)
    def create_webhook(body: WebhookIn, principal: Asking) -> Webhook:
        """Create a webhook; the answer alone has its secret."""
        return hooks.create_hook(body, actor=principal.name)

    @router.delete("/{webhook_id}/", status_code=204)
    def delete_webhook(webhook_id: str) -> None:
        """Delete a webhook."""
        hooks.delete_hook(webhook_id)

    @router.post("/mlflow/{webhook_id}/", status_code=202, openapi_extra=_JSON_BODY)
    async def receive_from_mlflow(
        webhook_id: str, delivery: Annotated[Delivery, _delivery(HookKind.MLFLOW)]
    ) -> Message:
        """Take a delivery that MLflow signed; 401 when it did not, 409 when it was taken before."""
        await run_in_threadpool(hooks.receive, webhook_id, HookKind.MLFLOW, delivery)
        return _TAKEN

    @router.post("/generic/{webhook_id}/", status_code=202, openapi_extra=_JSON_BODY)
    async def receive_from_anybody(
        webhook_id: str, delivery: Annotated[Delivery, _delivery(HookKind.GENERIC)]
    ) -> Message:
        """Take a delivery signed as Standard Webhooks say; 401 when it is not, 409 when it was taken before."""
        await run_in_threadpool(hooks.receive, webhook_id, HookKind.GENERIC, delivery)
        return _TAKEN

    return router
