"""Words by code: languages, fallback, parameters, plural forms, negotiation."""

from __future__ import annotations

from pathlib import Path

import pytest

from mecum.kit.errors import NotFound, TooLarge
from mecum.kit.i18n import I18n
from tests.support.codes import codes_in

EN = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "files"
msgid_plural "files"
msgstr[0] "One file, {name}"
msgstr[1] "{count} files"

msgid "hello"
msgstr "Hello {name}"

msgid "only_english"
msgstr "Only here"

msgid "error.not_found"
msgstr "It is not there."
"""
ZH = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "files"
msgid_plural "files"
msgstr[0] "{count} 个文件"

msgid "hello"
msgstr "你好，{name}"

msgid "error.too_big"
msgstr "超过 {limit} 字节"

msgid "error.not_found"
msgstr "不存在"
"""


@pytest.fixture
def i18n(tmp_path: Path) -> I18n:
    (tmp_path / "en.po").write_text(EN, encoding="utf-8")
    (tmp_path / "zh.po").write_text(ZH, encoding="utf-8")
    return I18n(tmp_path)


def test_the_languages_are_those_of_the_folder_with_the_fallback_first(i18n: I18n) -> None:
    assert i18n.locales == ("en", "zh")
    assert I18n().locales == ("en", "zh")


def test_words_are_given_in_the_language_with_parameters_filled(i18n: I18n) -> None:
    assert i18n.text("en", "hello", name="Ada") == "Hello Ada"
    assert i18n.text("zh-CN", "hello", name="Ada") == "你好，Ada"


def test_a_parameter_is_never_read_as_a_pattern(i18n: I18n) -> None:
    assert i18n.text("en", "hello", name="{count} {name.__class__}", count=2) == "Hello {count} {name.__class__}"


def test_a_language_that_lacks_a_code_falls_back_to_english_and_then_to_the_code(
    i18n: I18n, caplog: pytest.LogCaptureFixture
) -> None:
    assert i18n.text("zh", "only_english") == "Only here"
    assert i18n.text("zh", "nobody.has_this") == "nobody.has_this"
    assert "nobody.has_this" in caplog.text


@pytest.mark.parametrize(
    ("locale", "count", "words"),
    [("en", 1, "One file, a"), ("en", 0, "0 files"), ("zh", 1, "1 个文件"), ("zh", 5, "5 个文件")],
)
def test_count_picks_the_plural_form(i18n: I18n, locale: str, count: int, words: str) -> None:
    assert i18n.text(locale, "files", count=count, name="a") == words


def test_a_code_without_plural_forms_may_still_have_a_count(i18n: I18n) -> None:
    assert i18n.text("en", "hello", name="Ada", count=3) == "Hello Ada"


def test_an_error_is_worded_in_the_language_and_else_in_its_own_english(i18n: I18n) -> None:
    error = TooLarge("too_big", "It is larger than 5 bytes.", "Make it smaller.", params={"limit": 5})
    assert i18n.error("zh", error) == ("超过 5 字节", "Make it smaller.")
    assert i18n.error("en", error) == ("It is larger than 5 bytes.", "Make it smaller.")


def test_an_error_without_own_words_is_worded_by_its_code(i18n: I18n) -> None:
    assert i18n.error("en", NotFound()) == ("It is not there.", "")
    assert i18n.error("en", NotFound(detail="No thread is called so.")) == ("No thread is called so.", "")
    assert i18n.error("zh", NotFound()) == ("不存在", "")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de-DE, de;q=0.9, zh;q=0.5, en;q=0.4", "zh"),
        ("en;q=0.5, zh;q=0.6", "zh"),
        ("zh;q=0, en", "en"),
        ("fr, *;q=0.1, zh;q=0.05", "en"),
        ("zh;q=broken, en", "en"),
        ("ZH-hant-TW", "zh"),
        ("x" * 100_000, "en"),
    ],
)
def test_accept_language_is_negotiated(i18n: I18n, header: str, language: str) -> None:
    assert i18n.negotiate(header) == language


def test_codes_are_found_in_source(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "kit.i18n.text(locale, 'a.b', x=1)\n"
        "self._i18n.text('en', 'a.c')\n"
        "other.text('en', 'not.a.code')\n"
        "raise NotFound('a.gone', f'It {x}', 'Do that.')\n"
        "raise errors.Conflict('a.x' if y else 'a.y')\n"
        "raise NotFound(code)\n"
        "NotificationKind('a.done', bell=True)\n"
        "class E(MecumError):\n    default_code = 'a.default'\n"
    )
    found = {(code.code, code.in_source) for code in codes_in(tmp_path)}
    assert found == {
        ("a.b", False),
        ("a.c", False),
        ("error.a.gone", True),
        ("error.a.gone.hint", True),
        ("error.a.x", False),
        ("error.a.y", False),
        ("notification.a.done.title", False),
        ("notification.a.done.body", False),
        ("error.a.default", False),
    }
