"""`/api/v2`: model packages."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible.wire.basics import WireModel


class ModelPackage(WireModel):
    """A model package; `modelId` is the digest, so that equal content has one identity."""

    id: str
    name: str
    version: str
    digest: str
    archive_sha256: str
    archive_bytes: int
    runtime: str
    model_id: str
    model_execution_type: str = "external"
    build_status: str = "complete"
    created_at: datetime


class PackageBrief(WireModel):
    """A package inside another object."""

    id: str
    name: str
    version: str
    digest: str
    registered_model_id: str | None = None
