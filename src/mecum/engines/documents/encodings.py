"""From bytes to text: by their mark, by what their sender says, else by what reads like writing."""

from __future__ import annotations

import codecs
import re

SAMPLE_CHARS = 50_000
META_BYTES = 4_096
BROKEN_SHARE = 50
"""A declared encoding is believed as long as at most one character in so many does not fit it."""

# What these names mean on the web (WHATWG Encoding Standard, names and labels): the larger relative of what they say.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_WRITING = re.compile(
    r"utf-8|utf-16(-[lb]e)?|cp125\d|cp866|cp874|cp932|cp949|iso8859-\d+|koi8-[ru]|mac-(roman|cyrillic)"
    r"|gb18030|big5hkscs|euc_jp|iso2022_jp"
)
"""Of all the codecs that Python has those for text on the web: others unpack, calculate or take quadratic time."""
_META = re.compile(
    rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml[^>]{1,100}?encoding=["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_CONTROLS = bytes((*range(9), *range(14, 32), 127))
_STRANGE = re.compile(r"[^\x00-\x7f]")
# A lone strange character that touches small Latin letters is an accent, not a word of Chinese.
_ACCENT = re.compile(r"(?<=[a-z])[^\x00-\x7f](?![^\x00-\x7f])|(?<![^\x00-\x7f])[^\x00-\x7f](?=[a-z])")


def decode(data: bytes, *, partial: bool = False) -> str | None:
    """Text of `data`: UTF-8, UTF-16 with its mark, GB 18030 or Windows-1252; None when it is not text.

    Args:
        partial: `data` is the beginning of a file: its last character may be cut.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _exactly(data, "utf-16", partial)
    if b"\x00" in data:
        return None
    found = _exactly(data, "utf-8-sig", partial)
    if found is not None or not _mostly_words(data):
        return found
    chinese = _exactly(data, "gb18030", partial)
    return chinese if chinese is not None and _is_chinese(chinese) else data.decode("cp1252", "replace")


def decode_page(data: bytes, charset: str = "") -> str | None:
    """Text of an HTML page, which may say in its head how it is written.

    Args:
        charset: what the server said, "" for nothing. It goes before what the page says, as in browsers.
    """
    if not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        for name in (charset, _said_in_head(data)):
            found = decode_as(data, name)
            if found is not None:
                return found
    return decode(data)


def decode_as(data: bytes, charset: str) -> str | None:
    """Text of `data` in a declared encoding; None when there is none of this name, or it does not fit."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    name = _MEANT.get(name, name)
    if not _WRITING.fullmatch(name):
        return None
    text = data.decode(name, "replace")
    return text if text.count("\ufffd") * BROKEN_SHARE <= len(text) else None


def _said_in_head(data: bytes) -> str:
    found = _META.search(data[:META_BYTES])
    said = (found[1] or found[2]).decode("ascii", "replace") if found else ""
    # A head that can be read byte by byte is not UTF-16, whatever it says.
    return "utf-8" if said.lower().startswith("utf-16") else said


def _exactly(data: bytes, encoding: str, partial: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data, not partial)
    except UnicodeDecodeError:
        return None


def _is_chinese(text: str) -> bool:
    """Whether most of what is not ASCII is common in Chinese: Windows-1252 read as GB 18030 gives rare characters."""
    first = _STRANGE.search(text)
    start = max(0, first.start() - 1) if first else 0
    sample = text[start : start + SAMPLE_CHARS]
    strange = _STRANGE.findall(sample)
    common = sum(map(_is_common, strange)) - sum(_is_common(char) for char in _ACCENT.findall(sample))
    return common * 2 > len(strange)


def _is_common(char: str) -> bool:
    """Punctuation, or one of the 3,755 characters of GB 2312's first level (rows 16 to 55), 99 % of today's Chinese."""
    try:
        lead = char.encode("gb2312")[0]
    except UnicodeEncodeError:
        return False
    return 0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7


def _mostly_words(data: bytes) -> bool:
    return (len(data) - len(data.translate(None, _CONTROLS))) * 50 < len(data)
