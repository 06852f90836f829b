"""Why a file has no text: what is kept with it, beside what the reader says."""

from __future__ import annotations

from mecum.kit.errors import Unprocessable


def unknown_kind() -> Unprocessable:
    return Unprocessable("assistant.file_kind", "I can't read this kind of file.")


def given_up() -> Unprocessable:
    return Unprocessable("assistant.file_given_up", "This file could not be read.", "Remove it, and attach it again.")
