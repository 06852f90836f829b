"""Every example of docs/api.md is run, language by language, from the top of the page to its end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fake_replies import command
from tests.support.living_house import OWNER, House
from tests.surfaces.openai.test_javascript import HERE, install, node_and_npm

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
QUESTION = "What is the weather in Graz?"
CALLED = command(tools=[("weather", '{"town":"Graz"}')], text="Sunny in Graz.")
RUN_S = 60


def examples(language: str, house: House) -> list[str]:
    """The page's blocks of that language, for this house: its address, and a model that it has."""
    found = [code for each, code in FENCE.findall(PAGE) if each == language]
    assert found
    changes = {
        "http://localhost:8080": house.url,
        "your-model": "plain",
        "you@example.org": OWNER,
        QUESTION: f"{QUESTION} {CALLED}",
    }
    for before, after in changes.items():
        found = [code.replace(before, after) for code in found]
    return found


def run(arguments: list[str], house: House, folder: Path) -> str:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "MECUM_KEY": house.key("chat", "models", "threads"),
        "NO_PROXY": "*",
    }
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=RUN_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_python_examples_run(house: House, tmp_path: Path) -> None:
    program = tmp_path / "examples.py"
    program.write_text("\n".join(examples("python", house)), encoding="utf-8")
    said = run([sys.executable, "-W", "error", str(program)], house, tmp_path)
    assert said.startswith("mecum\n")
    assert "Sunny in Graz." in said
    assert "name='text' people=1" in said
    assert "completed" in said
    assert said.endswith("model_not_found model\n")


def test_the_javascript_examples_run(house: House) -> None:
    node, npm = node_and_npm()
    install(npm)
    program = HERE / "node_modules" / "examples.mjs"  # where the client is found
    program.write_text("\n".join(examples("js", house)), encoding="utf-8")
    assert run([node, str(program)], house, HERE).count("You said") == 2


def test_the_shell_examples_run(house: House, tmp_path: Path) -> None:
    shell, curl = shutil.which("sh"), shutil.which("curl")
    if not shell or not curl:
        pytest.skip("there is no curl here")
    calls = [code for code in examples("sh", house) if code.startswith("curl")]
    assert len(calls) == 3
    said = [run([shell, "-e", "-c", code], house, tmp_path) for code in calls]
    assert '"id":"mecum"' in said[0]
    assert '"object":"chat.completion"' in said[1]
    assert said[2].rstrip().splitlines()[-2] == "event: response.completed"


def test_every_limit_of_the_page_is_the_setting_it_names() -> None:
    from mecum.settings import CLASSES

    known = {f"MECUM_{name.upper()}": field for each in CLASSES.values() for name, field in each.model_fields.items()}
    limits = PAGE.partition("## Limits")[2]
    rows = {name: row for row in limits.splitlines() for name in re.findall(r"`(MECUM_\w+)`", row)}
    assert len(rows) > 5
    for name, row in rows.items():
        default = known[name].get_default(call_default_factory=True)
        said = f"{default // 2**20} MiB" if "_BYTES" in name and default % 2**20 == 0 else f"{default:,}"
        assert said in row, f"{name} is {default}: {row}"
