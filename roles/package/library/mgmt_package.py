#!/usr/bin/python
from __future__ import annotations

DOCUMENTATION = r"""
module: mgmt_package
short_description: Bring a model package and its runtime environment to a host
description:
  - Unpacks the archive once as C(packages/<digest>) and builds the runtime's Python environment once.
  - The action plugin of the same name sends archive and wheelhouse only when the host misses them.
options:
  digest: {description: Digest of the unpacked files, type: str, required: true}
  archive_sha256: {description: sha256 of the archive's bytes, type: str, required: true}
  archive: {description: Path of the archive on the controller; on the host once it was sent, type: path}
  archive_bytes: {description: Size of the archive in bytes, type: int, default: 0}
  runtime: {description: What serves the package, type: str, required: true}
  runtime_row: {description: Describes a runtime that a user added, type: dict, default: {}}
  base_dir: {description: Base directory on the host; empty lets the host choose, type: str, default: ''}
  container_engine: {description: docker, podman or auto, type: str, default: auto}
  pip_arguments: {description: Extra arguments for pip install, type: list, elements: str, default: []}
  wheelhouse: {description: Folder of wheels on the controller; an archive of it on the host, type: path}
  wheelhouse_offered: {description: Set by the action plugin, type: bool, default: false}
  deployment_id: {description: For which deployment; a failure tells whether its old model serves, type: str, default: ''}
  generation: {description: Number of the wanted state, type: int, default: 0}
author: mgmt-ansible
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mgmt_host import entry


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "digest": {"type": "str", "required": True},
            "archive_sha256": {"type": "str", "required": True},
            "archive": {"type": "path"},
            "archive_bytes": {"type": "int", "default": 0},
            "runtime": {"type": "str", "required": True},
            "runtime_row": {"type": "dict", "default": {}},
            "base_dir": {"type": "str", "default": ""},
            "container_engine": {"type": "str", "default": "auto", "choices": ["auto", "docker", "podman"]},
            "pip_arguments": {"type": "list", "elements": "str", "default": []},
            "wheelhouse": {"type": "path"},
            "wheelhouse_offered": {"type": "bool", "default": False},
            "deployment_id": {"type": "str", "default": ""},
            "generation": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    result = entry.run_package(module.params, module.check_mode)
    if result.get("outcome") == "failed":
        module.fail_json(msg=result["message"], mgmt_result=result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
