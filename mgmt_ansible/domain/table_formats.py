"""Formats of a list that is taken away as a file."""

from __future__ import annotations

from enum import StrEnum


class TableFormat(StrEnum):
    """Of a file of deployments or runs; entries of the feed have one more (`event_filters.ExportFormat`)."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"
