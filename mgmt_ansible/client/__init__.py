"""The typed `/api/v2` client: the CLI's only way to the control plane, and public for users.

```python
from mgmt_ansible.client import Client

with Client("http://127.0.0.1:8765", token="mga_...") as client:
    accepted = client.deployments.replace_model("wine", package_id="5f0c...")
    action = client.actions.wait_for_action(accepted.action_id, on_progress=lambda action: print(action.progress))
```

Routes and shapes are those of docs/reference/http-api.md; every answer is a value of `mgmt_ansible.wire.api_v2`, every
failure an error of `mgmt_ansible.errors`.
"""

from __future__ import annotations

from mgmt_ansible.client.facade import Client

__all__ = ["Client"]
