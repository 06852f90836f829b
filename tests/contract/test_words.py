"""Whatever the server says, it can say in English and in Chinese."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.i18n import placeholders
from tests.support.codes import SOURCE, codes_in

LOCALES: dict[str, Any] = runpy.run_path(str(Path(__file__).parent.parent.parent / "scripts" / "locales.py"))
HOW = 'python scripts/locales.py add CODE --en "..." --zh "..."'


def entries(language: str) -> dict[str, Any]:
    return LOCALES["parse"]((SOURCE / "locales" / f"{language}.po").read_text(encoding="utf-8"), language)


def test_every_code_in_the_source_has_english_and_chinese_words() -> None:
    english, chinese = entries("en"), entries("zh")
    lacking = sorted(
        {f"{code.code} ({code.where}): {HOW}" for code in codes_in() if code.code not in chinese}
        | {
            f"{code.code} ({code.where}): {HOW}"
            for code in codes_in()
            if code.code not in english and not code.in_source
        }
    )
    assert not lacking, "\n".join(["Codes without words:", *lacking])


def test_both_languages_use_the_same_parameters() -> None:
    english, chinese = entries("en"), entries("zh")
    for code in english.keys() & chinese.keys():
        assert placeholders("".join(english[code].forms)) == placeholders("".join(chinese[code].forms)), code


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_files_are_sorted_by_code_and_no_words_are_empty(language: str) -> None:
    text = (SOURCE / "locales" / f"{language}.po").read_text(encoding="utf-8")
    assert text == LOCALES["render"](entries(language), language), "Run: python scripts/locales.py sort"
    assert not [entry.code for entry in entries(language).values() if not all(entry.forms)]


@pytest.mark.parametrize("file", ["src/mecum/locales/zh.po", "web/locales/zh.po"])
def test_chinese_says_you_in_one_way(file: str) -> None:
    assert "您" not in (SOURCE.parent.parent / file).read_text(encoding="utf-8"), (
        "Say 你: 您 beside it is another voice."
    )


def test_a_merge_that_kept_both_sides_is_mended_by_sorting() -> None:
    both = (
        'msgid "b"\nmsgstr "B"\n\n'
        'msgid "a"\nmsgid_plural "a"\nmsgstr[0] "one"\nmsgstr[1] "{count}"\n\n'
        'msgid "b"\nmsgstr "B again \\"quoted\\"\\n"\n'
    )
    found = LOCALES["parse"](both, "en")
    assert LOCALES["parse"](LOCALES["render"](found, "en"), "en") == found
    assert list(found) == ["b", "a"] and found["b"].forms == ('B again "quoted"\n',) and found["a"].plural
