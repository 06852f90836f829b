"""The child process of the built-in model: llama.cpp's HTTP server on loopback, until stdin closes.

First line of stdin: a `ServeOrder` as JSON; the key comes this way because arguments and environments can be read by
others. On stdout: one line of JSON, `{"event": "listening", "url": ...}` or `{"event": "failed"}`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from importlib import import_module
from typing import Any

from mecum.engines.llm.order import ServeOrder

ERRORS_ONLY = 1
FAILED = 1
# Between two batches the server looks at its other slots and for clients that hung up. With llama.cpp's own 2048 a long
# prompt stopped everybody else for up to 30 s on two processors; a smaller one costs no speed (measured).
BATCH_TOKENS = 256
PROMPT_CACHE_MIB = 256
HTTP_THREADS = 16
HTTP_TIMEOUT_S = 900


def main() -> None:
    order = ServeOrder.from_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    messages = _own_stdout()
    xllamacpp: Any = import_module("xllamacpp")  # it has no types
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, order))
    except (RuntimeError, MemoryError):
        messages.write(json.dumps({"event": "failed"}) + "\n")
        messages.flush()
        os._exit(FAILED)
    messages.write(json.dumps({"event": "listening", "url": server.listening_address}) + "\n")
    messages.flush()
    threading.Event().wait()


def _end_with_stdin() -> None:
    """Nothing here is worth saving, and a clean end would wait for the answer that is being written."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def _own_stdout() -> Any:
    """Our messages' own way out; what libraries print goes to stderr."""
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return messages


def _parameters(xllamacpp: Any, order: ServeOrder) -> Any:
    p = xllamacpp.CommonParams()
    p.model.path = order.path
    p.model_alias = {order.alias}
    p.api_keys = [order.api_key]
    p.port = 0
    p.n_ctx, p.n_parallel, p.n_predict = order.context_tokens * order.slots, order.slots, order.max_tokens
    p.n_batch = p.n_ubatch = BATCH_TOKENS
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = order.threads
    p.n_threads_http, p.timeout_read, p.timeout_write = HTTP_THREADS, HTTP_TIMEOUT_S, HTTP_TIMEOUT_S
    p.cache_ram_mib = PROMPT_CACHE_MIB
    p.sampling.temp, p.sampling.top_p, p.sampling.top_k = order.temperature, order.top_p, order.top_k
    p.use_jinja, p.offline, p.verbosity = True, True, ERRORS_ONLY
    p.warmup = p.fit_params = p.ui = p.endpoint_slots = False
    p.endpoint_metrics = True
    # No page in a browser has business here; the default lets all of them read.
    p.cors_origins = ""
    return p


if __name__ == "__main__":
    main()
