"""The key file is made once, whoever comes first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mecum.kit.crypto import SecretBox
from mecum.kit.key_file import add_key, make_key_file, read_keys

AT_ONCE = 8
TIMES = 25


def test_processes_that_start_for_the_first_time_at_once_seal_under_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(TIMES):
            data = tmp_path / str(number)
            ready = threading.Barrier(AT_ONCE)

            def start(data: Path = data, ready: threading.Barrier = ready) -> SecretBox:
                ready.wait(10)
                return SecretBox.from_file(data / "keys")

            boxes = [each.result() for each in [pool.submit(start) for _ in range(AT_ONCE)]]
            assert len({box.newest for box in boxes}) == 1
            assert boxes[-1].open(boxes[0].seal(b"secret", "test"), "test") == b"secret"
            assert [file.name for file in data.iterdir()] == ["keys"]


def test_a_key_file_that_is_there_is_never_replaced_by_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    make_key_file(file)
    before = read_keys(file)
    make_key_file(file)
    assert read_keys(file) == before
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_a_crash_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    make_key_file(file)
    (tmp_path / "keys.new").write_text("half a")
    assert read_keys(file).newest != add_key(file)
    assert [each.name for each in tmp_path.iterdir()] == ["keys"]
