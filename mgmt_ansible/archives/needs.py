"""Check what a manifest's `serve` asks of the host: limits, GPUs, variables, names of secrets; `mgmt_host/content/needs.py` has the same rules."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mgmt_ansible.archives.manifest_rules import check_resources, check_variables, wrong

KEYS = frozenset({"resources", "variables", "secrets"})
OURS = frozenset({"resources"})
_RESERVED = ("HOME", "PATH", "PYTHONPYCACHEPREFIX")
_RESERVED_PREFIX = "MGMT_ANSIBLE_"
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_MOST_SECRETS = 64


def check_needs(serve: Mapping[str, object], *, in_container: bool) -> None:
    """Check `resources`, `variables` and `secrets` of `serve`; an image's own variables are none of ours.

    Raises:
        ArchiveError: Naming the field.
    """
    check_resources(serve.get("resources", {}))
    variables = check_variables(serve.get("variables", {}))
    for name in variables:
        if not in_container and (name in _RESERVED or name.startswith(_RESERVED_PREFIX)):
            raise wrong("serve.variables", "does not take what is set for every server", name)
    secrets = serve.get("secrets", [])
    if not isinstance(secrets, list) or len(secrets) > _MOST_SECRETS:
        raise wrong("serve.secrets", f"must be a list of at most {_MOST_SECRETS} names", secrets)
    for name in secrets:
        if not isinstance(name, str) or not _SECRET.fullmatch(name) or secrets.count(name) > 1:
            raise wrong("serve.secrets", "takes names of letters, digits and _, each once", name)
        if f"{name}_FILE" in variables:
            raise wrong("serve.variables", "does not take what tells where a secret is", f"{name}_FILE")
