"""What went wrong, by kind; empty when nothing did."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.crash.clients import Posted

Log = Sequence[dict[str, Any]]
TOLD = ("text", "finish", "reason", "error", "attempt", "call", "tool", "wait", "answer", "joined", "limit")


def count(posted: Sequence[Posted], log: Log, effects: Sequence[str]) -> Counter[str]:
    """Of one thread, into which `posted` were written in this order."""
    wrong: Counter[str] = Counter()
    wrong["gaps in the log"] += [event["seq"] for event in log] != list(range(1, len(log) + 1))
    wrong["silent unknowns"] += _silent(log)
    finished = Counter(event["run"] for event in log if event["type"] == "run.finished")
    wrong["runs finished twice"] += sum(times > 1 for times in finished.values())
    started = {event["run"] for event in log if event["type"] == "run.started"}
    wrong["runs that never finished"] += len(started - set(finished))
    wrong["runs without a beginning"] += len(set(finished) - started)
    answers = [event for event in log if event["type"] == "message.assistant"]
    wrong["doubled answers"] += len(answers) - len({event["message"] for event in answers})
    by_mecum = [e for e in log if e["type"] == "thread.titled" and e["payload"]["by"] == "mecum"]
    wrong["doubled titles"] += len(by_mecum) > 2  # The first words, and one by the model.
    for each in posted:
        wrong += _message(each, log)
        wrong += _writes(each, log, effects, is_alone=len(posted) == 1)
    wrong["answers with other words"] += not answers or answers[-1]["payload"]["text"] != posted[-1].answer
    return +wrong


def told(log: Log) -> str:
    """A log in short, a line per event, for whoever looks for what went wrong."""
    lines: list[str] = []
    for event in log:
        body = {name: str(value)[:100] for name, value in (event["payload"] or {}).items() if name in TOLD}
        lines.append(f"{event['seq']:4} {event['type']:18} {str(event['message'])[-6:]} {event['at'][11:23]} {body}")
    return "\n".join(lines)


def _message(posted: Posted, log: Log) -> Counter[str]:
    mine = [e for e in log if e["type"] == "message.user" and e["payload"]["client_id"] == posted.client_id]
    answered = bool(mine) and _is_answered(mine[0]["message"], log)
    return Counter({"lost messages": not mine, "doubled messages": len(mine) > 1, "lost answers": not answered})


def _is_answered(message: str, log: Log) -> bool:
    """Whether an answer follows the message, or a message after it that joined."""
    parents = {e["message"]: e["parent"] for e in log if e["type"] in ("message.user", "message.assistant")}
    for event in log:
        at = event["parent"] if event["type"] == "message.assistant" else None
        while at is not None:
            if at == message:
                return True
            at = parents.get(at)
    return False


def _writes(posted: Posted, log: Log, effects: Sequence[str], *, is_alone: bool) -> Counter[str]:
    """An answer that a later message interrupted need not have written; written twice must not be."""
    wrong: Counter[str] = Counter()
    once = [name for name in effects if name.startswith(f"once.{posted.once}.")]
    wrong["doubled idempotent writes"] += len(once) > 1
    wrong["lost idempotent writes"] += is_alone and posted.once is not None and not once
    again = [name for name in effects if name.startswith(f"again.{posted.again}.")]
    intended = [e["id"].removeprefix("evt_") for e in log if e["type"] == "act.intended"]
    keys = Counter(re.split(r"\.", name)[2] for name in again)
    wrong["writes repeated without asking"] += any(times > 1 for times in keys.values())
    wrong["writes without an intention"] += any(key not in intended for key in keys)
    return wrong


def _silent(log: Log) -> int:
    """Acts that were begun, did not end, and about which nobody was told."""
    told = {e["payload"]["call"] for e in log if e["type"] in ("act.done", "act.unknown")}
    return sum(e["type"] == "act.intended" and e["payload"]["call"] not in told for e in log)
