"""The interface does what its description says: schemathesis sends what fits it, what just does not, and nonsense.

Every answer has a documented status, type and shape, and none is a server error. As the owner, so that a refusal comes
from what was sent and not from who sent it; with ids of things that exist in most requests. `make full` looks further.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.living_house import OWNER, House, fresh_database, living_house
from tests.surfaces.things import Things

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "ignored_auth",
)
PHASES = "examples,coverage,fuzzing"
KNOWN = {
    "thread": "thread",
    "message": "answer",
    "attachment": "attachment",
    "share": "share",
    "schedule": "schedule",
    "person": "person",
    "invitation": "invitation",
    "provider": "provider",
    "response_id": "response",
    "file_id": "file",
    "batch_id": "batch",
}
"""Parameters of paths, and the things that they name."""
MODELS = ("mecum", "fake", "plain", "fake-embed")
SETS = 3
TOLD_CHARS = 8_000


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        yield running


def configuration(house: House) -> str:
    """The settings of schemathesis (TOML): the key, and ids that name something in seven of ten requests."""
    sets = [Things(house, OWNER) for _ in range(SETS)]
    lines = ["max-stream-events = 2", "[headers]", f"Authorization = {json.dumps(f'Bearer {house.key()}')}"]
    words = {name: [getattr(things, what) for things in sets] for name, what in KNOWN.items()}
    words["response_id"] += [things.relay_response for things in sets]
    words["model"] = list(MODELS)
    for name, values in words.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.7 }}' for name in words]
    bodies = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"]
    for path in bodies:
        lines += ["[[operations]]", f'include-path = "{path}"', "[operations.parameters]"]
        lines.append('"body.model" = { dictionary = "model", probability = 0.7 }')
    return "\n".join(lines) + "\n"


def explored(house: House, folder: Path, *options: str, within_s: float) -> None:
    """Run schemathesis on the house. Fails with what it found."""
    config = folder / "schemathesis.toml"
    config.write_text(configuration(house), encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        *("--config-file", str(config), "run", f"{house.url}/api/openapi.json"),
        *("--checks", ",".join(CHECKS), "--request-timeout", "10"),
        *("--workers", "1", "--seed", "20261123", "--no-color", "--continue-on-failure", "--warnings", "off"),
        *options,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HYPOTHESIS")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=within_s)
    said = done.stdout
    begin = max(said.find("= FAILURES ="), said.find("= ERRORS ="), 0)
    assert done.returncode == 0, said[begin : begin + TOLD_CHARS] + said[-1_500:] + done.stderr[-1_000:]


@pytest.mark.timeout(300)
def test_what_is_answered_is_described(house: House, tmp_path: Path) -> None:
    explored(house, tmp_path, "--phases", PHASES, "--max-examples", "10", within_s=280)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_what_is_answered_is_described_however_long_one_looks(house: House, tmp_path: Path) -> None:
    explored(house, tmp_path, "--phases", f"{PHASES},stateful", "--max-examples", "300", within_s=1700)
