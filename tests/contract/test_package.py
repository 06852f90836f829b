"""A wheel contains everything that running needs."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.contract.house import ROOT, SOURCE

UV = ROOT / ".tools" / "bin" / "uv"
CLIENT = SOURCE / "surfaces" / "web" / "client"


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.skipif(not UV.is_file(), reason="uv comes with make setup")
@pytest.mark.skipif(not (CLIENT / "index.html").is_file(), reason="the web client could not be built here")
def test_a_wheel_has_the_client_the_words_the_migrations_and_the_licence(tmp_path: Path) -> None:
    command = [str(UV), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(file.relative_to(SOURCE.parent))
        for folder in (CLIENT, SOURCE / "locales", SOURCE / "migrations")
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert wanted <= names, f"Name them in pyproject.toml, [tool.hatch.build.targets.wheel]: {sorted(wanted - names)}"
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if "node_modules" in name or name.startswith("tests/")]
