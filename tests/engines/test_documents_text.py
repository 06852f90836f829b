"""Text without a mark of its encoding is read as whoever wrote it meant it."""

from __future__ import annotations

import pytest

from mecum.engines.documents.encodings import decode
from mecum.engines.documents.sniff import HEAD_BYTES, sniff

WESTERN = [
    "Müller;Köln",
    "Straße;Größe;Übung",
    "créée à Noël «été»",
    "señor José ¿cómo está?",
    "it’s “quoted” – really, 12 €",
    "Äänestys",
    "Name;Ort\nJürgen;München\nJörg;Würzburg\n",
]
CHINESE = [
    "今天天气很好，我们去公园",
    "姓名,金额\n李雯,12\n",
    "用Python编程，A股下跌",
    "繁體中文的資料，這是測試",
]


@pytest.mark.parametrize("text", WESTERN)
def test_old_western_text_is_read_as_western(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize("text", CHINESE)
def test_old_chinese_text_is_read_as_chinese(text: str) -> None:
    assert decode(text.encode("gb18030")) == text


@pytest.mark.parametrize("text", [*WESTERN, *CHINESE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_that_says_what_it_is_written_in_is_taken_at_its_word(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-16"])
@pytest.mark.parametrize("shift", range(4))
def test_a_file_is_text_wherever_its_head_is_cut(encoding: str, shift: int) -> None:
    data = ("a" * shift + "今天天气很好，" * HEAD_BYTES).encode(encoding)
    assert sniff(data, "a.txt") == ("text", "text/plain")


def test_bytes_that_are_no_text_are_not_taken_for_chinese() -> None:
    noise = b"\x01\x90\x41" * 4_000
    assert noise.decode("gb18030")
    assert decode(noise) is None
    assert sniff(noise, "a.txt")[0] == "unknown"
