"""The child that reads one file: `python -m mecum.engines.documents`.

In comes a line of JSON with `kind`, `charset`, `url` and `cpu_seconds`, then the file; out goes one JSON object.

Parsers of files from outside are attack surface: this process has a memory limit, a time limit and nothing of the
server's.
"""

from __future__ import annotations

import json
import resource
import sys

from mecum.engines.documents.reading import Source, Unreadable, read


def main() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    about = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_CPU, (about["cpu_seconds"], about["cpu_seconds"]))
    data = sys.stdin.buffer.read()
    try:
        parts, cut = read(about["kind"], Source(data, about["charset"], about["url"]))
        answer = {"parts": [{"text": part.text, "anchor": part.anchor} for part in parts], "cut": cut}
    except Unreadable as error:
        answer = {"fault": error.fault}
    except Exception:  # noqa: BLE001 - whatever a hostile file does to a parser, the person gets a sentence
        answer = {"fault": "broken"}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False))


main()
