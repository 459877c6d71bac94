"""Rules for values of a package's manifest that several runtimes take; `mgmt_ansible/archives` has the same ones."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from ..failures import HostError, evidence

LONGEST_WORD = 4096
_MOST_VARIABLES = 256
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_GPU = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_MOST_GPUS = 64
_LEAST_CPUS, _MOST_CPUS = 0.01, 1024
_RESOURCES = {"memory_bytes": (1 << 22, 1 << 50), "open_files": (16, 1 << 20)}
"""Whole numbers of `resources`: least and most."""


def wrong(field: str, rule: str, found: object) -> HostError:
    """Return the error of a field that is not what it must be."""
    message = "the package's {} {}; correct it and register the package anew".format(field, rule)
    return HostError("artifact", message, [evidence("manifest", json.dumps(found)[:1000])])


def is_text(word: str) -> bool:
    """Tell whether a program can be given a word: no NUL, and UTF-8."""
    try:
        return b"\0" not in word.encode("utf-8")
    except UnicodeEncodeError:
        return False


def check_file(folder: str, field: str, path: object) -> None:
    """Check that a field names a file of the unpacked package.

    Raises:
        HostError: `artifact`.
    """
    inside = isinstance(path, str) and is_text(path) and not {"", ".", ".."}.intersection(path.split("/"))
    if not inside or not os.path.isfile(os.path.join(folder, str(path))):
        raise wrong(field, "must name a file of the package", path)


def check_variables(variables: object) -> dict[str, str]:
    """Check `serve.variables`, name -> text.

    Raises:
        HostError: `artifact`.
    """
    if not isinstance(variables, dict) or len(variables) > _MOST_VARIABLES:
        raise wrong("serve.variables", "must map at most {} names to texts".format(_MOST_VARIABLES), variables)
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise wrong("serve.variables", "takes names of letters, digits and _", name)
        if not isinstance(value, str) or len(value) > LONGEST_WORD or not is_text(value):
            rule = "takes texts of at most {} characters without NUL".format(LONGEST_WORD)
            raise wrong("serve.variables." + name, rule, value)
    return variables


def check_resources(resources: object) -> dict[str, Any]:
    """Check `serve.resources`: `memory_bytes`, `cpus`, `gpus` and `open_files`, each of which may be missing.

    Raises:
        HostError: `artifact`.
    """
    if not isinstance(resources, dict):
        raise wrong("serve.resources", "must be an object", resources)
    for key, value in resources.items():
        field = "serve.resources.{}".format(key)
        if key in _RESOURCES:
            least, most = _RESOURCES[key]
            if type(value) is not int or not least <= value <= most:
                raise wrong(field, "must be a whole number from {} to {}".format(least, most), value)
        elif key == "cpus":
            if type(value) not in (int, float) or not _LEAST_CPUS <= value <= _MOST_CPUS:
                raise wrong(field, "must be a number from {} to {}".format(_LEAST_CPUS, _MOST_CPUS), value)
        elif key == "gpus":
            _check_gpus(field, value)
        else:
            raise wrong("serve.resources", "takes only cpus, gpus, memory_bytes, open_files", key)
    return resources


def _check_gpus(field: str, value: object) -> None:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_GPUS:
        raise wrong(field, 'must be a list of device numbers or ids, such as ["0"]', value)
    for one in value:
        if not isinstance(one, str) or not _GPU.fullmatch(one):
            raise wrong(field, 'must be a list of device numbers or ids, such as ["0"]', one)
