"""Plugins: one room a kind of environment; they see ports, never each other."""
