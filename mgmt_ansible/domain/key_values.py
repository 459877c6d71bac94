"""Key-values: what they are of, what they tell, and of which kind a value is."""

from __future__ import annotations

from enum import StrEnum


class EntityType(StrEnum):
    """What a key-value is of."""

    DEPLOYMENT = "deployment"
    ENVIRONMENT = "predictionEnvironment"
    PACKAGE = "modelPackage"
    REGISTERED_MODEL = "registeredModel"


class KeyValueCategory(StrEnum):
    """What a key-value tells."""

    TRAINING_PARAMETER = "trainingParameter"
    METRIC = "metric"
    TAG = "tag"
    ARTIFACT = "artifact"
    RUNTIME_PARAMETER = "runtimeParameter"


class KeyValueType(StrEnum):
    """Of which kind a value is; those that are files at the vendor's are not taken."""

    STRING = "string"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    URL = "url"
    JSON = "json"
    YAML = "yaml"
    CREDENTIAL = "credential"
