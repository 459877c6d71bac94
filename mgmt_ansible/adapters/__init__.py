"""Adapters: the agent's side of `/agent/v1`, the report spool, the package cache, the worker pool."""
