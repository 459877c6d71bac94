#!/usr/bin/python
"""A stand-in for the host's module: same name, same result, no model."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

SPEC = {
    "action": {"type": "str", "required": True},
    "id": {"type": "str", "required": True},
    "label": {"type": "str", "default": ""},
    "base_dir": {"type": "path", "required": True},
    "sleep_seconds": {"type": "float", "default": 0},
    "print_characters": {"type": "int", "default": 0},
    "outcome": {"type": "str", "default": "changed"},
}


def main():
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    holder = Path(params["base_dir"]) / "holder"
    if params["action"] == "deployment_cancel":
        stop(holder)
    if params["sleep_seconds"]:
        holder.write_text(str(os.getpid()))
        time.sleep(params["sleep_seconds"])
    if params["outcome"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    result = {
        "schema": 1,
        "outcome": params["outcome"],
        "cause": None if params["outcome"] in ("ok", "changed") else "not_ready",
        "message": "done: " + params["label"] + "x" * params["print_characters"],
        "steps": [{"name": "start", "seconds": 0.1, "changed": True}],
        "fence": {"generation": 1, "attempt": 1},
    }
    changed = params["outcome"] == "changed"
    if params["outcome"] in ("ok", "changed"):
        module.exit_json(changed=changed, mgmt_result=result)
    module.fail_json(msg=result["message"], changed=changed, mgmt_result=result)


def stop(holder):
    if holder.exists():
        os.kill(int(holder.read_text()), signal.SIGKILL)
        holder.unlink()


if __name__ == "__main__":
    main()
