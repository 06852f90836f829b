"""`mecum chat` as a person and a script use it, against the whole house."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from tests.support.codes import SOURCE
from tests.support.living_house import OWNER, House, fresh_database, living_house


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as made:
        yield made


class Shell:
    """Runs `mecum chat` in an environment of its own."""

    def __init__(self, house: House, home: Path) -> None:
        self.house = house
        self.key_file = home / ".config" / "mecum" / "key"
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "PYTHONPATH": str(SOURCE.parent),
            "MECUM_SERVER": house.url,
            "MECUM_DATABASE_URL": house.app.kit.db.url,
            "MECUM_DATA": str(house.data),
            "TERM": "xterm-256color",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mecum.cli.main", "chat", *arguments]

    def chat(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), input=given, capture_output=True, text=True, env=self.environment, timeout=60
        )

    def sign_in(self) -> None:
        self.key_file.parent.mkdir(parents=True)
        self.key_file.write_text(f"{self.house.url} {self.house.key('chat', 'threads', 'models')}\n")
        self.key_file.chmod(0o600)


@pytest.fixture
def shell(house: House, tmp_path: Path) -> Shell:
    return Shell(house, tmp_path)


@pytest.fixture
def signed_in(shell: Shell) -> Shell:
    shell.sign_in()
    return shell


def test_on_the_servers_machine_one_command_gets_the_owner_a_key(shell: Shell) -> None:
    done = shell.chat("--login")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == f"Made a key for {OWNER}.\nThe key is kept in {shell.key_file}.\n"
    assert shell.key_file.stat().st_mode & 0o777 == 0o600
    (kept,) = shell.key_file.read_text().splitlines()
    server, key = kept.split()
    assert server == shell.house.url and shell.house.get("/api/threads", key=key)["items"] is not None
    assert shell.house.request("GET", "/api/people", key=key).status_code == 403, "it may not administer"


def test_elsewhere_a_key_is_pasted_and_tried_before_it_is_kept(shell: Shell) -> None:
    del shell.environment["MECUM_DATABASE_URL"]
    shell.environment["MECUM_DATA"] = "/nowhere"
    done = shell.chat("--login", given="mk_wrong\n")
    assert done.returncode == 1 and not shell.key_file.exists()
    assert shell.chat("--login", given=f"{shell.house.key()}\n").returncode == 0
    assert shell.house.key() in shell.key_file.read_text()
    assert shell.chat("--login", "--person", OWNER).returncode == 1


def test_without_a_key_or_a_server_it_says_what_to_do(shell: Shell) -> None:
    done = shell.chat("hello")
    assert done.returncode == 1 and done.stderr.endswith("Run: mecum chat --login\n")
    shell.sign_in()
    shell.key_file.chmod(0o644)
    done = shell.chat("hello")
    assert done.returncode == 1 and f"Run: chmod 600 {shell.key_file}" in done.stderr
    shell.key_file.chmod(0o600)
    shell.key_file.write_text("mk_any\n")
    done = shell.chat("hello", "--server", "http://localhost:9")
    assert done.returncode == 1 and "can't be reached at http://localhost:9" in done.stderr


def test_a_pipe_is_part_of_the_message_and_the_answer_is_all_there_is(signed_in: Shell) -> None:
    done = signed_in.chat("review this", given="diff --git a b\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("You said “review this diff --git a b")
    thread = signed_in.house.get("/api/threads?limit=1")["items"][0]
    assert (thread["origin"], thread["title"], thread["unread"]) == ("terminal", "review this", False)
    asked, *_ = [event for event in signed_in.house.log(thread["id"]) if event["type"] == "message.user"]
    assert asked["payload"]["text"] == "review this\n\ndiff --git a b" and asked["payload"]["surface"] == "terminal"


def test_last_goes_on_in_the_thread_of_another_surface(signed_in: Shell) -> None:
    house = signed_in.house
    posted = house.post("/api/messages", {"client_id": "web-1", "text": "From the browser"})
    house.until_idle(posted["thread"])
    assert signed_in.chat("--last", "and now here").returncode == 0
    texts = [event["payload"]["text"] for event in house.log(posted["thread"]) if event["type"] == "message.user"]
    assert texts == ["From the browser", "and now here"]


def test_a_file_is_read(signed_in: Shell, tmp_path: Path) -> None:
    (tmp_path / "rivers.md").write_text("# Rivers\n\nThe Leie flows through Ghent.\n")
    done = signed_in.chat("--json", "--attach", str(tmp_path / "rivers.md"), "what flows?")
    assert done.returncode == 0, done.stderr
    assert "The Leie flows through Ghent." in str(signed_in.house.fake.requests[-1].body)


def test_a_model_that_is_not_there_is_exit_code_1(signed_in: Shell) -> None:
    done = signed_in.chat("--model", "nobody", "hello")
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("mecum: ")


def test_options_that_exclude_each_other_are_a_mistake(signed_in: Shell) -> None:
    assert signed_in.chat("--last", "--new", "hello").returncode == 2


def test_in_a_terminal_it_opens_the_page_and_leaves_it_as_it_was(signed_in: Shell) -> None:
    code, seen = on_a_terminal(signed_in, until="This page is yours.", keys=b"\x11")
    assert code == 0
    assert "Enter" in seen and "\x1b[?1049h" in seen and seen.rindex("\x1b[?1049l") > seen.rindex("\x1b[?1049h")


def test_in_a_terminal_an_answer_appears_as_it_is_written(signed_in: Shell) -> None:
    code, seen = on_a_terminal(signed_in, "hello", until="“hello”")
    assert code == 0 and "You said “hello”: " in seen


@pytest.mark.parametrize(("background", "paper"), [(b"fbfb/fafa/f7f7", "251;250;247"), (b"1616/1616/1414", "22;22;20")])
def test_the_page_takes_the_colours_of_the_terminal(signed_in: Shell, background: bytes, paper: str) -> None:
    signed_in.environment["COLORTERM"] = "truecolor"
    answer = {b"\x1b]11;?\x1b\\": b"\x1b]11;rgb:" + background + b"\x1b\\\x1b[?62;22c"}
    code, seen = on_a_terminal(signed_in, until="This page is yours.", keys=b"\x11", answers=answer)
    assert code == 0 and f"48;2;{paper}" in seen


def on_a_terminal(
    shell: Shell,
    *arguments: str,
    until: str,
    keys: bytes = b"",
    answers: Mapping[bytes, bytes] | None = None,
    within_s: float = 50,
) -> tuple[int, str]:
    """Exit code and output of `mecum chat` on a pseudo terminal.

    Args:
        keys: pressed once `until` is seen.
        answers: what the terminal says when it is asked.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (30, 100))
    process = subprocess.Popen(
        shell.command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=shell.environment,
        start_new_session=True,
    )
    os.close(theirs)
    expected = {**(answers or {}), until.encode(): keys}
    seen, deadline = b"", time.monotonic() + within_s
    try:
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    seen += os.read(ours, 65536)
                except OSError:
                    break  # the other end is closed: it has ended
            for question in [each for each in expected if each in seen]:
                os.write(ours, expected.pop(question))
        return process.wait(10), seen.decode("utf-8", "replace")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
