"""Whether the terminal is dark: asked of the terminal itself (OSC 11, xterm control sequences)."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Mapping

ANSWER_WITHIN_S = 0.2
_ASK = (
    b"\x1b]11;?\x1b\\\x1b[c"  # the second question is one that every terminal answers, so there is no waiting for none
)
_COLOUR = re.compile(rb"\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_END = re.compile(rb"\x1b\[\?[0-9;]*c")


def is_dark(environment: Mapping[str, str] = os.environ) -> bool:
    """True where the background is dark, or nobody knows."""
    colour = read_colour(_ask())
    if colour is not None:
        return luminance(colour) < 0.5
    # Set by rxvt, Konsole and others: foreground;background as numbers of the 16 colours.
    numbers = environment.get("COLORFGBG", "").split(";")
    return numbers[-1] not in ("7", "15") if numbers[-1].isdigit() else True


def read_colour(answer: bytes) -> tuple[float, float, float] | None:
    """Red, green and blue, 0 to 1, of an answer to OSC 11."""
    found = _COLOUR.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return red, green, blue


def luminance(colour: tuple[float, float, float]) -> float:
    """Relative luminance without gamma (Rec. 709): enough to tell dark from light."""
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _ask() -> bytes:
    """What the terminal says, b"" where there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return b""
    source, target = sys.stdin.fileno(), sys.stdout.fileno()
    try:
        before = termios.tcgetattr(source)
    except termios.error:
        return b""
    try:
        tty.setcbreak(source, termios.TCSANOW)
        os.write(target, _ASK)
        return _read(source)
    finally:
        termios.tcsetattr(source, termios.TCSAFLUSH, before)


def _read(source: int) -> bytes:
    answer, deadline = b"", time.monotonic() + ANSWER_WITHIN_S
    while not _END.search(answer) and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([source], [], [], left)
        if not ready:
            break
        answer += os.read(source, 1024)
    return answer
