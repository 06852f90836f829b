"""Settings of the reader of documents: environment variables `MECUM_*`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DocumentSettings(BaseSettings):
    """What reading a file or a page may take."""

    model_config = SettingsConfigDict(env_prefix="MECUM_", extra="ignore", frozen=True, hide_input_in_errors=True)

    documents_at_once: int = Field(
        default=2, ge=1, le=64, description="Files and pages that are read at the same time, each in its own process."
    )
    document_seconds: float = Field(default=90, ge=1, le=3600, description="Time in which a file has to be read.")
    document_memory_bytes: int = Field(
        default=1_500_000_000, ge=200_000_000, description="Memory that reading one file may take."
    )
