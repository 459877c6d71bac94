#!/usr/bin/python
from __future__ import annotations

DOCUMENTATION = r"""
module: mgmt_deployment
short_description: Launch, replace, relaunch, stop, cancel or look at deployments on a host
description:
  - Does the host's whole work for one action, behind the deployment's fence.
  - Returns one JSON value under C(mgmt_result); see the host contract.
options:
  action: {description: Action type or deployment_cancel, type: str, required: true}
  action_id: {description: Id of the action, type: str, default: ''}
  attempt: {description: Number of the claim, type: int, default: 0}
  deployment_id: {description: Id of the deployment, type: str, default: ''}
  label: {description: Name of the deployment for people, type: str, default: ''}
  generation: {description: Number of the wanted state, type: int, default: 0}
  port: {description: Stable TCP port; 0 lets the host choose, type: int, default: 0}
  package: {description: The model package, type: dict}
  runtime_row: {description: Describes a runtime that a user added, type: dict, default: {}}
  observe: {description: Deployments to look at, type: list, elements: dict, default: []}
  base_dir: {description: Base directory on the host; empty lets the host choose, type: str, default: ''}
  bind_address: {description: Address on which deployments are reached, type: str, default: 0.0.0.0}
  traffic: {description: What holds the stable port, type: str, default: auto, choices: [auto, haproxy, systemd_socket, none]}
  drain_timeout_seconds: {description: Seconds a replaced model may take for what it has begun to answer, type: float, default: 30}
  boot_start: {description: Whether deployments start again after a reboot, type: bool, default: true}
  supervision:
    description: What keeps model servers running
    type: str
    default: auto
    choices: [auto, systemd, process]
  secret_files: {description: Secrets with their files on the host, type: list, elements: dict, default: []}
  minimum_healthy_seconds: {description: Seconds a new model must stay ready, type: float, default: 0}
  ready_timeout_seconds: {description: Seconds a model may take to become ready, type: float, default: 60}
  stop_timeout_seconds: {description: Seconds between SIGTERM and SIGKILL, type: float, default: 10}
author: mgmt-ansible
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mgmt_host import entry

FINE = ("ok", "changed")
LOOKING = ("deployment_status", "environment_status")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "action": {"type": "str", "required": True},
            "action_id": {"type": "str", "default": ""},
            "attempt": {"type": "int", "default": 0},
            "deployment_id": {"type": "str", "default": ""},
            "label": {"type": "str", "default": ""},
            "generation": {"type": "int", "default": 0},
            "port": {"type": "int", "default": 0},
            "package": {"type": "dict"},
            "runtime_row": {"type": "dict", "default": {}},
            "observe": {"type": "list", "elements": "dict", "default": []},
            "base_dir": {"type": "str", "default": ""},
            "bind_address": {"type": "str", "default": "0.0.0.0"},  # noqa: S104 - served to the network on purpose
            "traffic": {"type": "str", "default": "auto", "choices": ["auto", "haproxy", "systemd_socket", "none"]},
            "drain_timeout_seconds": {"type": "float", "default": 30},
            "boot_start": {"type": "bool", "default": True},
            "supervision": {"type": "str", "default": "auto", "choices": ["auto", "systemd", "process"]},
            "secret_files": {"type": "list", "elements": "dict", "default": [], "no_log": False},  # names and paths
            "minimum_healthy_seconds": {"type": "float", "default": 0},
            "ready_timeout_seconds": {"type": "float", "default": 60},
            "stop_timeout_seconds": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    result = entry.run_deployment(module.params, module.check_mode)
    changed = result["outcome"] == "changed" or any(step["changed"] for step in result["steps"])
    told = {"changed": changed, "mgmt_result": result}
    if module.check_mode and module._diff:
        told["diff"] = {"prepared": "\n".join(one["text"] for one in result["evidence"] if one["kind"] == "diff")}
    if result["outcome"] in FINE or module.params["action"] in LOOKING:
        module.exit_json(**told)
    module.fail_json(msg=result["message"], **told)


if __name__ == "__main__":
    main()
