"""The host side of a deployment: Python 3.8 and the standard library only, JSON-able values in and out.

It travels as Ansible module utilities, lies on the host as a program (`programs.py`), and is plain importable for tests.
`entry` is the door; `actions.operations` tells the story of each action. Each folder's first line says what it is for.
"""

from __future__ import annotations

SCHEMA = 1
