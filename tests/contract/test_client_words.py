"""What the browser may have to tell somebody of a failure, it can say in their language.

The server sends code and parameters of an error that ended a run, or is kept with a file, a provider or the built-in
model; `web/src/problems/words.ts` words them, and its catalogues hold the Chinese (`npm run messages -- --check`).
Errors that only answer a request are worded by the server and need no words in the client.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.contract.house import ROOT
from tests.support.codes import ERROR_NAMES, SOURCE, codes_in

WORDS = ROOT / "web" / "src" / "problems" / "words.ts"

SHOWN = (
    "engines/",
    "kit/blobs/",
    "kit/crypto.py",
    "kit/db.py",
    "kit/valkey_bus.py",
    "rooms/assistant/files/faults.py",
    "rooms/assistant/finishing.py",
    "rooms/assistant/runner.py",
    "rooms/assistant/stepping.py",
    "rooms/models/answering.py",
    "rooms/models/budgets/refusals.py",
    "rooms/models/catalogue.py",
    "rooms/models/failures.py",
    "rooms/models/gate/",
    "rooms/models/local.py",
    "rooms/models/ports.py",
    "rooms/models/pricing/amounts.py",
    "rooms/models/trials.py",
)
"""Where errors are made that end a run, or are kept and shown in a page."""

SHOWN_BESIDE = frozenset(("people.disabled", "people.no_person", "people.no_space"))
"""Of the people room: why there is nobody in whose name a run could go on (`People.principal_for_job`)."""

ANSWERS = (
    "kit/arrival.py",
    "kit/dates/",
    "kit/dump.py",
    "kit/embedded_pg/",
    "kit/errors.py",
    "kit/fetch/",
    "kit/gate.py",
    "kit/ground.py",
    "kit/http.py",
    "kit/ids.py",
    "kit/key_file.py",
    "kit/mail.py",
    "kit/notify/",
    "kit/rotation.py",
    "kit/sealed.py",
    "kit/settings.py",
    "kit/streams.py",
    "kit/telemetry/",
    "kit/tools.py",
    "kit/unmatched.py",
    "kit/upgrade.py",
    "rooms/assistant/api/",
    "rooms/assistant/face.py",
    "rooms/assistant/files/attachments.py",
    "rooms/assistant/posting.py",
    "rooms/assistant/schedule_words/",
    "rooms/assistant/scheduling.py",
    "rooms/assistant/searching.py",
    "rooms/assistant/sharing.py",
    "rooms/assistant/store/",
    "rooms/assistant/tools/",
    "rooms/models/access.py",
    "rooms/models/accounts.py",
    "rooms/models/aliases.py",
    "rooms/models/bodies.py",
    "rooms/models/budgets/",
    "rooms/models/cli_more.py",
    "rooms/models/cli_ops.py",
    "rooms/models/batches/",
    "rooms/models/out.py",
    "rooms/models/pricing/api.py",
    "rooms/models/pricing/commands.py",
    "rooms/models/pricing/files.py",
    "rooms/models/pricing/lists.py",
    "rooms/models/providers.py",
    "rooms/models/relay/",
    "rooms/models/reports/",
    "rooms/models/router/",
    "rooms/models/service.py",
    "rooms/models/wires/",
)
"""Where errors are made that answer a request, go to a model as the result of a tool, or stop a start."""

ROOMS = ("engines/", "kit/", "rooms/assistant/", "rooms/models/")


def made() -> Iterator[tuple[str, str]]:
    """Codes of errors and the files that make them."""
    for code in codes_in():
        if code.code.startswith("error.") and not code.code.endswith(".hint"):
            yield code.code.removeprefix("error."), code.where.rpartition(":")[0]


def worded() -> dict[str, frozenset[str]]:
    """The codes that the client has words for, with the parameters that these need."""
    entries = re.findall(r'^  "([\w.]+)": (.*)$', WORDS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(entries) > 20, "words.ts is no longer written as one entry a line"
    said = frozenset(("said",))
    return {
        code: frozenset(re.findall(r'p\("(\w+)"\)', say)) | (said if "said(p" in say else frozenset())
        for code, say in entries
    }


def test_every_error_that_can_end_a_run_or_is_shown_in_a_page_has_words_in_the_client() -> None:
    shown = {code for code, file in made() if file.startswith(SHOWN)} | SHOWN_BESIDE
    lacking = sorted(shown - worded().keys())
    assert not lacking, f"Give them words in web/src/problems/words.ts, then: cd web && npm run messages: {lacking}"


def test_where_an_error_is_made_it_is_known_whether_a_page_can_show_it() -> None:
    files = {file for _, file in made() if file.startswith(ROOMS)}
    unknown = sorted(file for file in files if not file.startswith((*SHOWN, *ANSWERS)))
    assert not unknown, f"Can their errors end a run, or be shown in a page? Then SHOWN, else ANSWERS: {unknown}"


def test_the_client_has_no_words_for_codes_that_nothing_makes() -> None:
    superfluous = sorted(worded().keys() - {code for code, _ in made()})
    assert not superfluous, f"Take them out of web/src/problems/words.ts: {superfluous}"


def test_the_words_of_the_client_use_only_parameters_that_the_server_sends() -> None:
    sent = dict(parameters())
    wrong = {
        code: sorted(needs - sent[code]) for code, needs in worded().items() if needs - sent.get(code, frozenset())
    }
    assert not wrong, f"These parameters are not sent with every error of the code: {wrong}"


def parameters() -> Iterator[tuple[str, frozenset[str]]]:
    """The parameters that every error of a code has, as far as they are written out where it is made."""
    found: dict[str, frozenset[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for scope in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                for code, names in _of_function(scope):
                    found[code] = found[code] & names if code in found else names
    yield from found.items()


def _of_function(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, frozenset[str]]]:
    assigned = {
        node.targets[0].id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERROR_NAMES):
            continue
        code = node.args[0] if node.args else None
        if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
            continue
        given = next((each.value for each in node.keywords if each.arg == "params"), None)
        if isinstance(given, ast.Name):
            given = assigned.get(given.id)
        keys = given.keys if isinstance(given, ast.Dict) else ()
        yield code.value, frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant))
