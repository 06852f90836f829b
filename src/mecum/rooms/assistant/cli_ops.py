"""What commands on the machine need of the room."""

from __future__ import annotations

from mecum.rooms.assistant.store import shares

__all__ = ["SEALED"]

SEALED = (shares.TOKEN,)
"""What the room keeps sealed, for the rotation of keys."""
