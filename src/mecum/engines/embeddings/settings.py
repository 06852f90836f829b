"""Settings of the built-in embedder: environment variables `MECUM_*`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EmbeddingSettings(BaseSettings):
    """How much the built-in embedder takes on."""

    model_config = SettingsConfigDict(env_prefix="MECUM_", extra="ignore", frozen=True, hide_input_in_errors=True)

    embed_queue_texts: int = Field(
        default=2048, ge=16, le=100_000, description="Texts that may wait for the embedder, per kind; more are refused."
    )
    embed_text_chars: int = Field(
        default=2000, ge=100, le=20_000, description="Of a longer text only the beginning is embedded."
    )
    embed_timeout_seconds: float = Field(
        default=60, ge=1, le=3600, description="An embedder that needs longer for four texts is started again."
    )
