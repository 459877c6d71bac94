"""`/api/v2`: tags and key-values of deployments, environments and packages."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, StrictBool

from mgmt_ansible.domain.key_values import EntityType, KeyValueCategory, KeyValueType
from mgmt_ansible.wire.basics import LABEL_PATTERN, WireModel


class TagIn(WireModel):
    """Body of `POST .../tags/`; a name is there once."""

    name: str = Field(min_length=1, max_length=128, pattern=LABEL_PATTERN)
    value: str = Field(max_length=512, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")


class TagPatch(WireModel):
    """Body of `PATCH .../tags/{tagId}/`; absent fields stay."""

    name: str | None = Field(default=None, min_length=1, max_length=128, pattern=LABEL_PATTERN)
    value: str | None = Field(
        default=None, max_length=512, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )


class Tag(WireModel):
    """A name and a value that people put on something."""

    id: str
    name: str
    value: str


class KeyValueIn(WireModel):
    """Body of `POST keyValues/`; a credential's value is neither kept nor ever told."""

    entity_id: str = Field(min_length=1, max_length=64)
    entity_type: EntityType
    name: str = Field(min_length=1, max_length=512, pattern=LABEL_PATTERN)
    category: KeyValueCategory
    value_type: KeyValueType
    value: str | StrictBool | float | None = Field(default=None, union_mode="left_to_right")
    description: str = Field(default="", max_length=10_000)


class KeyValuePatch(WireModel):
    """Body of `PATCH keyValues/{id}/`; absent fields stay."""

    name: str | None = Field(default=None, min_length=1, max_length=512, pattern=LABEL_PATTERN)
    category: KeyValueCategory | None = None
    value_type: KeyValueType | None = None
    value: str | StrictBool | float | None = Field(default=None, union_mode="left_to_right")
    description: str | None = Field(default=None, max_length=10_000)


class KeyValue(WireModel):
    """A key-value; `value` is text whatever its type, and null for a credential."""

    id: str
    created_at: datetime
    entity_id: str
    entity_type: EntityType
    name: str
    value: str | None
    numeric_value: float | None
    boolean_value: bool | None
    value_type: KeyValueType
    description: str
    creator_id: str | None
    creator_name: str
    category: KeyValueCategory
    artifact_size: int | None = None
    original_file_name: str | None = None
    is_editable: bool = True
    is_dataset_missing: bool = False
    error_message: str = ""
