"""Parsing, pure: runner events become an outcome per host."""
