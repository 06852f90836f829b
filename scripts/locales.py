"""The files of `src/mecum/locales`: add an entry, or bring them into their one order.

    python scripts/locales.py add CODE --en "You have {count} file." --zh "..." [--plural en="You have {count} files."]
    python scripts/locales.py sort     after a merge in which both sides were kept

Entries are sorted by code and never wrapped, so that two branches seldom touch the same lines
and any merge can be mended by `sort`.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import sys
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import escape, read_po

FOLDER = Path(__file__).parent.parent / "src" / "mecum" / "locales"
PLURAL_FORMS = {"en": "nplurals=2; plural=(n != 1);", "zh": "nplurals=1; plural=0;"}


@dataclass(frozen=True, slots=True)
class Entry:
    """The words for `code`: one form, or one per plural form of the language."""

    code: str
    forms: tuple[str, ...]
    plural: bool


def parse(text: str, language: str) -> dict[str, Entry]:
    """Entries by code. Of two with the same code the last one counts."""
    entries: dict[str, Entry] = {}
    # One by one: a merge may have left the same code twice, which a catalogue can't hold.
    for block in text.split("\n\n"):
        for message in read_po(io.StringIO(block), locale=language, abort_invalid=True):
            if message.id:
                code = message.id if isinstance(message.id, str) else message.id[0]
                forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
                entries[code] = Entry(code, forms, not isinstance(message.id, str))
    return entries


def render(entries: dict[str, Entry], language: str) -> str:
    """The one way to write `entries`."""
    header = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: {language}\\n"\n'
    blocks = [header + f'"Plural-Forms: {PLURAL_FORMS[language]}\\n"\n']
    for code in sorted(entries):
        entry = entries[code]
        lines = [f"msgid {escape(code)}"]
        if entry.plural:
            lines.append(f"msgid_plural {escape(code)}")
            lines += [f"msgstr[{number}] {escape(form)}" for number, form in enumerate(entry.forms)]
        else:
            lines.append(f"msgstr {escape(entry.forms[0])}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def rewrite(language: str, more: Entry | None = None) -> None:
    path = FOLDER / f"{language}.po"
    with path.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        entries = parse(file.read(), language)
        if more is not None:
            entries[more.code] = more
        file.seek(0)
        file.write(render(entries, language))
        file.truncate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sort", help="write all files in their one order")
    add = commands.add_parser("add", help="add or replace the words for one code")
    add.add_argument("code")
    for language in PLURAL_FORMS:
        add.add_argument(f"--{language}", default="", help="the words, or the first plural form")
    add.add_argument(
        "--plural",
        action="append",
        default=[],
        metavar="LANG=WORDS",
        help="a further plural form; makes all languages plural",
    )
    chosen = parser.parse_args()
    for language in PLURAL_FORMS:
        first = getattr(chosen, language, "")
        if chosen.command == "add" and first:
            further = [words.partition("=")[2] for words in chosen.plural if words.startswith(f"{language}=")]
            rewrite(language, Entry(chosen.code, (first, *further), bool(chosen.plural)))
        elif chosen.command == "sort":
            rewrite(language)
    return 0


if __name__ == "__main__":
    sys.exit(main())
