"""Rules for values of a manifest that several runtimes take; the host has the same ones in `mgmt_host/content/manifest_rules.py`."""

from __future__ import annotations

import re

from mgmt_ansible import errors
from mgmt_ansible.domain.model_packages import MANIFEST_NAME

LONGEST_WORD = 4096
_MOST_VARIABLES = 256
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_GPU = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_MOST_GPUS = 64
_LEAST_CPUS, _MOST_CPUS = 0.01, 1024
_RESOURCES = {"memory_bytes": (1 << 22, 1 << 50), "open_files": (16, 1 << 20)}
"""Whole numbers of `resources`: least and most."""


def wrong(field: str, rule: str, found: object) -> errors.ArchiveError:
    """Return the error of a field that is not what it must be."""
    return errors.ArchiveError(f"{MANIFEST_NAME}: {field} {rule}; it is {ascii(found)[:200]}")


def is_text(word: str) -> bool:
    """Tell whether a program can be given a word: no NUL, and UTF-8."""
    try:
        return b"\0" not in word.encode()
    except UnicodeEncodeError:
        return False


def check_variables(variables: object) -> dict[str, str]:
    """Check `serve.variables`, name -> text.

    Raises:
        ArchiveError: Naming the field.
    """
    if not isinstance(variables, dict) or len(variables) > _MOST_VARIABLES:
        raise wrong("serve.variables", f"must map at most {_MOST_VARIABLES} names to texts", variables)
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise wrong("serve.variables", "takes names of letters, digits and _", name)
        if not isinstance(value, str) or len(value) > LONGEST_WORD or not is_text(value):
            raise wrong(
                f"serve.variables.{name}", f"takes texts of at most {LONGEST_WORD} characters without NUL", value
            )
    return variables


def check_resources(resources: object) -> None:
    """Check `serve.resources`: `memory_bytes`, `cpus`, `gpus` and `open_files`, each of which may be missing.

    Raises:
        ArchiveError: Naming the field.
    """
    if not isinstance(resources, dict):
        raise wrong("serve.resources", "must be an object", resources)
    for key, value in resources.items():
        field = f"serve.resources.{key}"
        if key in _RESOURCES:
            least, most = _RESOURCES[key]
            if type(value) is not int or not least <= value <= most:
                raise wrong(field, f"must be a whole number from {least} to {most}", value)
        elif key == "cpus":
            if type(value) not in {int, float} or not _LEAST_CPUS <= value <= _MOST_CPUS:
                raise wrong(field, f"must be a number from {_LEAST_CPUS} to {_MOST_CPUS}", value)
        elif key == "gpus":
            _check_gpus(field, value)
        else:
            raise wrong("serve.resources", "takes only cpus, gpus, memory_bytes, open_files", key)


def _check_gpus(field: str, value: object) -> None:
    names = value if isinstance(value, list) else []
    if not 0 < len(names) <= _MOST_GPUS or not all(isinstance(one, str) and _GPU.fullmatch(one) for one in names):
        raise wrong(field, 'must be a list of device numbers or ids, such as ["0"]', value)
