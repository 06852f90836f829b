"""Weights of local models: which are known, and how their bytes come here, always verified by SHA-256.

    path = await fetch(model, directory, on_progress=show)

`fetch` may be cancelled at any moment: what has arrived stays, and the next call goes on from there.
"""

from mecum.engines.weights.catalogue import CATALOGUE, LARGE, SMALL, TEST, HubFile, Model, Parts, model_named
from mecum.engines.weights.fetch import Sources, fetch
from mecum.engines.weights.progress import Phase, Progress
from mecum.engines.weights.store import is_present, own_file

__all__ = [
    "CATALOGUE",
    "LARGE",
    "SMALL",
    "TEST",
    "HubFile",
    "Model",
    "Parts",
    "Phase",
    "Progress",
    "Sources",
    "fetch",
    "is_present",
    "model_named",
    "own_file",
]
