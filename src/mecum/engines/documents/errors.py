"""Why a file could not be read. The child names the fault, the server makes the error: what a child that a hostile file
has taken over sends is never shown.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast, get_args

from mecum.kit.errors import Unprocessable

Fault: TypeAlias = Literal["kind", "no_text", "scan", "pdf", "not_text", "broken", "too_slow", "too_much"]


def known(fault: object) -> Fault:
    """`fault` where it is one, else `broken`."""
    return cast(Fault, fault) if fault in get_args(Fault) else "broken"


def unreadable(fault: Fault, seconds: float = 0) -> Unprocessable:
    """`seconds`: how long it was tried."""
    match fault:
        case "kind":
            return Unprocessable("documents.kind", "This kind of file can't be read.")
        case "no_text":
            return Unprocessable("documents.no_text", "No text was found in it.")
        case "scan":
            return Unprocessable("documents.scan", "No text was found in it. A scan has pictures of words only.")
        case "pdf":
            return Unprocessable("documents.pdf", "The PDF is damaged, or protected by a password.")
        case "not_text":
            return Unprocessable("documents.not_text", "The file is not text.")
        case "broken":
            return Unprocessable("documents.broken", "The file is damaged, or not what its name says.")
        case "too_slow":
            return Unprocessable(
                "documents.too_slow", f"It took longer than {seconds:g} seconds to read.", params={"seconds": seconds}
            )
        case "too_much":
            return Unprocessable("documents.too_much", "The file takes more memory or time to read than it is given.")
