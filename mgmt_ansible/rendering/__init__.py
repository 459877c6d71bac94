"""Rendering, pure: an action and a wave become a `RunRequest`."""
