"""`/install/`: what a machine needs to become an agent, for whoever asks; and its token, for whoever has a code."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from mgmt_ansible import errors
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import api_v2


def install_router(services: Services) -> APIRouter:
    """Return the routes; they need no token, as pip has none."""
    router = APIRouter(prefix="/install", include_in_schema=False)
    invitations = services.invitations

    @router.get("/wheels/{name}")
    def get_wheel(name: str) -> Response:
        """Return the wheel of this version, which has one name."""
        wheel = invitations.wheels.wheel()
        if name != wheel.name:
            raise errors.NotFoundError(f"wheel {name[:200]} is not here: this control plane has {wheel.name}")
        return Response(wheel.body, media_type="application/octet-stream")

    @router.get("/constraints.txt", response_class=PlainTextResponse)
    def get_constraints() -> str:
        """Return what the wheel needs, as pip's constraints: the versions that the control plane itself runs with."""
        return invitations.wheels.constraints()

    @router.post("/agent", status_code=201)
    def enroll_agent(body: api_v2.AgentEnrollmentIn) -> api_v2.AgentEnrollment:
        """Turn a one-time code into an agent's token."""
        return invitations.accept(body.code)

    return router
