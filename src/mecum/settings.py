"""All settings of the house, collected from its rooms. Every value comes from `MECUM_*`, has a default and a reason."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from pydantic_settings import BaseSettings

from mecum.engines.documents.settings import DocumentSettings
from mecum.engines.embeddings.settings import EmbeddingSettings
from mecum.engines.llm.settings import LlmSettings
from mecum.kit.settings import KitSettings
from mecum.kit.settings import load as load_one
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.people.settings import PeopleSettings

CLASSES: dict[str, type[BaseSettings]] = {
    "kit": KitSettings,
    "people": PeopleSettings,
    "models": ModelsSettings,
    "assistant": AssistantSettings,
    "llm": LlmSettings,
    "embeddings": EmbeddingSettings,
    "documents": DocumentSettings,
}


@dataclass(frozen=True, slots=True)
class Settings:
    kit: KitSettings
    people: PeopleSettings
    models: ModelsSettings
    assistant: AssistantSettings
    llm: LlmSettings
    embeddings: EmbeddingSettings
    documents: DocumentSettings


def load(**overrides: Any) -> Settings:
    """Settings from `overrides` of the ground floor, then the environment, then defaults.

    Raises:
        StartError: a value is not possible.
    """
    parts = {f.name: load_one(CLASSES[f.name], **(overrides if f.name == "kit" else {})) for f in fields(Settings)}
    return Settings(**parts)  # pyright: ignore[reportArgumentType]
