"""Runs in a child process before its program: `python -I -S _exec.py key=value ... -- program arguments`.

A program of its own instead of a `preexec_fn`, because that runs Python between fork and exec, which can deadlock in a
process with threads. Imports the standard library only, and everything before it gives up its user: afterwards the
files may not be readable. See `mecum.kit.process` for what the keys mean.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CANNOT_EXECUTE = 126
PARENT_IS_GONE = 125


def main(arguments: list[str]) -> int:
    end = arguments.index("--")
    settings = dict(argument.split("=", 1) for argument in arguments[:end])
    program = arguments[end + 1 :]
    try:
        _limit(settings)
        _become(settings)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{program[0]} can't be started as asked: {error}\n")
        return CANNOT_EXECUTE
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if "signal" in settings:
        # After setuid: a change of credentials clears the signal (prctl(2)).
        _prctl(PR_SET_PDEATHSIG, int(settings["signal"]))
        # The parent may have died before the kernel was told: then nobody will ever send the signal.
        if os.getppid() != int(settings["parent"]):
            return PARENT_IS_GONE
    try:
        os.execv(program[0], program)
    except OSError as error:
        sys.stderr.write(f"{program[0]} can't be executed: {error.strerror}\n")
        return CANNOT_EXECUTE


def _limit(settings: dict[str, str]) -> None:
    # A core file would hold secrets and personal words.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "memory" in settings:
        limit = int(settings["memory"])
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    if "nice" in settings:
        os.nice(int(settings["nice"]))
    if "oom" in settings and sys.platform == "linux":
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(settings["oom"])


def _become(settings: dict[str, str]) -> None:
    if "umask" in settings:
        os.umask(int(settings["umask"], 8))
    if "user" in settings:
        uid, gid = (int(part) for part in settings["user"].split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        sys.stderr.write(f"prctl({option}) is refused: {os.strerror(ctypes.get_errno())}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
