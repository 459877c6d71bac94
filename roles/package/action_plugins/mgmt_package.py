"""Send a package's archive, and a wheelhouse, only to hosts that miss them."""

from __future__ import annotations

import os
import tarfile
import tempfile
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Run the module; when it needs files, send them and run it once more."""

    TRANSFERS_FILES = False  # true would make a temporary folder on the host even when nothing is sent
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        archive, wheelhouse = arguments.pop("archive", None), arguments.pop("wheelhouse", None)
        arguments["archive_bytes"] = self._size(archive)
        arguments["wheelhouse_offered"] = bool(wheelhouse)
        result = self._execute(arguments, task_vars)
        needs = result.pop("needs", [])
        if result.get("failed") or not needs or self._task.check_mode:
            return result
        folder = self._make_tmp_path()
        try:
            if "archive" in needs:
                arguments["archive"] = self._send(str(archive), folder, "package")
            if "wheelhouse" in needs:
                arguments["wheelhouse"] = self._send_folder(str(wheelhouse), folder)
            result = self._execute(arguments, task_vars)
            result.pop("needs", None)
        finally:
            self._remove_tmp_path(folder)
        return result

    def _execute(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return dict(
            self._execute_module(module_name="mgmt_package", module_args=arguments, task_vars=task_vars, tmp=None)
        )

    def _size(self, archive: str | None) -> int:
        if not archive:
            return 0
        if not os.path.isfile(archive):
            raise AnsibleActionFail(f"the package's archive is not beside the playbook: {archive}")
        return os.path.getsize(archive)

    def _send(self, local: str, folder: str, name: str) -> str:
        remote = self._connection._shell.join_path(folder, name)
        self._transfer_file(local, remote)
        self._fixup_perms2((folder, remote), execute=False)
        return str(remote)

    def _send_folder(self, local: str, folder: str) -> str:
        with tempfile.TemporaryDirectory() as draft:
            bundle = os.path.join(draft, "wheelhouse.tar")
            with tarfile.open(bundle, "w") as stream:
                for name in sorted(os.listdir(local)):
                    stream.add(os.path.join(local, name), arcname=name, recursive=False)
            return self._send(bundle, folder, "wheelhouse")
