"""What operators see of the embedded engines. Imported by the parent's side alone."""

from __future__ import annotations

from prometheus_client import Counter

from mecum.kit.telemetry import REGISTRY

restarts = Counter(
    "mecum_engine_restarts",
    "How often a child of an embedded engine (llm, embeddings) broke or did not start, and is started again.",
    ("engine",),
    registry=REGISTRY,
)
