#!/usr/bin/python
"""A stand-in for the host's other module: it fails, as precisely as the real one."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={})
    result = {
        "schema": 1,
        "outcome": "failed",
        "cause": "disk",
        "message": "no room for the package",
        "evidence": [{"kind": "df", "text": "/ 100%"}],
    }
    module.fail_json(msg=result["message"], mgmt_result=result)


if __name__ == "__main__":
    main()
