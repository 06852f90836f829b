"""The file with the key of this terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from mecum.kit.errors import BadRequest, Forbidden
from mecum.surfaces.terminal.keyfile import find_key, keep_key, key_file

HERE, THERE = "http://localhost:8080", "https://mecum.example.org"


def test_it_is_where_the_environment_says(tmp_path: Path) -> None:
    assert key_file({"HOME": "/home/ada"}) == Path("/home/ada/.config/mecum/key")
    assert key_file({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/etc/ada"}) == Path("/etc/ada/mecum/key")
    assert key_file({"MECUM_KEY_FILE": str(tmp_path / "k")}) == tmp_path / "k"


def test_a_key_is_kept_for_its_server_alone_in_a_file_of_mode_600(tmp_path: Path) -> None:
    file = tmp_path / "config" / "key"
    assert find_key(file, HERE) is None
    keep_key(file, HERE, "mk_here")
    keep_key(file, THERE, "mk_there")
    keep_key(file, HERE, "mk_new")
    assert (find_key(file, HERE), find_key(file, THERE)) == ("mk_new", "mk_there")
    assert find_key(file, "https://elsewhere.example") is None
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o077 == 0


def test_a_key_alone_is_for_any_server(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"mk_any\n{THERE} mk_there\n")
    file.chmod(0o600)
    assert (find_key(file, HERE), find_key(file, THERE)) == ("mk_any", "mk_there")


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("mk_any\n")
    file.chmod(0o640)
    with pytest.raises(Forbidden, match="chmod 600"):
        find_key(file, HERE)
    with pytest.raises(Forbidden):
        keep_key(file, HERE, "mk_new")


@pytest.mark.parametrize("content", [b"no key at all\n", b"\xff\xfe", b"mk_x\n" * 200])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(BadRequest):
        keep_key(file, HERE, "mk_new")
    assert file.read_bytes() == content
