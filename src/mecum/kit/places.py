"""Where an installation lives when nobody says otherwise. Light: commands import it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT_DATA = "/var/lib/mecum"
PERSON_DATA = "~/.local/share/mecum"


def default_data() -> Path:
    """`~/.local/share/mecum`; for root `/var/lib/mecum`: the database's own user can't reach into a closed home."""
    return Path(ROOT_DATA if os.geteuid() == 0 else PERSON_DATA)
