"""`retentionPolicies/`, `legalHolds/` and `retention/`."""

from __future__ import annotations

from fastapi import APIRouter

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import retention as shapes


def retention_router(services: Services) -> APIRouter:
    """Return the routes of retention."""
    router = APIRouter(tags=["retention"])
    retention = services.retention

    @router.get("/retentionPolicies/")
    def list_retention_policies(paging: Paging) -> api_v2.Page[shapes.RetentionPolicy]:
        """List policies by name; `default` is for what no other covers."""
        return paging.page(retention.list_policies(limit=paging.limit, offset=paging.offset))

    @router.post("/retentionPolicies/", status_code=201)
    def create_retention_policy(body: shapes.RetentionPolicyIn, principal: Asking) -> shapes.RetentionPolicy:
        """Create a policy; 409 when the name is taken."""
        return retention.create_policy(body, actor=principal.name)

    @router.patch("/retentionPolicies/{policy_id}/")
    def change_retention_policy(
        policy_id: str, body: shapes.RetentionPolicyPatch, principal: Asking
    ) -> shapes.RetentionPolicy:
        """Change a policy's days, or what it covers."""
        return retention.change_policy(policy_id, body, actor=principal.name)

    @router.delete("/retentionPolicies/{policy_id}/", status_code=204)
    def delete_retention_policy(policy_id: str, principal: Asking) -> None:
        """Delete a policy; 422 for the default one."""
        retention.delete_policy(policy_id, actor=principal.name)

    @router.get("/legalHolds/")
    def list_legal_holds(paging: Paging) -> api_v2.Page[shapes.LegalHold]:
        """List legal holds, newest first."""
        return paging.page(retention.list_holds(limit=paging.limit, offset=paging.offset))

    @router.post("/legalHolds/", status_code=201)
    def place_legal_hold(body: shapes.LegalHoldIn, principal: Asking) -> shapes.LegalHold:
        """Hold a deployment or an environment: nothing of it is removed."""
        return retention.place_hold(body, actor=principal.name)

    @router.delete("/legalHolds/{hold_id}/", status_code=204)
    def release_legal_hold(hold_id: str, principal: Asking) -> None:
        """Release a hold."""
        retention.release_hold(hold_id, actor=principal.name)

    @router.get("/retention/preview/")
    def preview_retention() -> shapes.RetentionReport:
        """Tell what would be removed now, and what is saved by what; changes nothing."""
        return retention.preview()

    @router.post("/retention/prune/")
    def prune(principal: Asking) -> shapes.RetentionReport:
        """Remove it, for about 20 s; ask again while the answer is not `complete`."""
        return retention.prune(actor=principal.name)

    return router
