"""Settings of the models room."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mecum.kit.settings import KIB, MIB, PREFIX

HOUR_S, DAY_S = 3600, 86400


class ModelsSettings(BaseSettings):
    """Limits of calls to models, and how long what they leave behind is kept."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    allow_network: bool = Field(
        default=True, description="Off: nothing beyond loopback is ever fetched (tests, sealed rooms)."
    )
    provider_connect_timeout_s: float = Field(
        default=10.0, gt=0, le=300, description="Longest wait for a connection to a provider."
    )
    provider_first_byte_timeout_s: float = Field(
        default=180.0,
        gt=0,
        le=HOUR_S,
        description="Longest wait for the first byte of an answer; big models think long.",
    )
    provider_whole_timeout_s: float = Field(
        default=600.0, gt=0, le=HOUR_S, description="The same for answers that are not streamed: they come all at once."
    )
    provider_chunk_timeout_s: float = Field(
        default=90.0, gt=0, le=HOUR_S, description="Longest silence in the middle of an answer."
    )
    provider_total_timeout_s: float = Field(
        default=1800.0, gt=0, le=DAY_S, description="Longest time that one answer may take."
    )
    provider_line_limit_bytes: int = Field(
        default=MIB, ge=4 * KIB, le=64 * MIB, description="Longest line in a provider's event stream."
    )
    provider_answer_limit_bytes: int = Field(
        default=64 * MIB, ge=MIB, le=1024 * MIB, description="Largest answer of a provider, streamed or not."
    )
    provider_connections_max: int = Field(
        default=1000, ge=1, le=20000, description="Connections to all providers together; further calls wait."
    )
    provider_retries_max: int = Field(
        default=2, ge=0, le=10, description="How often a call is repeated while no byte of the answer has come."
    )
    provider_retry_after_max_s: float = Field(
        default=30.0, ge=0, le=HOUR_S, description="Longest Retry-After that is waited for; longer ones are an error."
    )
    providers_max: int = Field(default=50, ge=1, le=1000, description="Providers that can be connected.")
    provider_keys_max: int = Field(default=20, ge=1, le=1000, description="Keys that one provider can have.")
    aliases_max: int = Field(default=200, ge=1, le=10000, description="Names that can stand for several models.")
    alias_models_max: int = Field(default=20, ge=1, le=200, description="Models that one such name can stand for.")
    models_max: int = Field(default=1000, ge=1, le=10000, description="Models that the catalogue can hold.")

    currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        description="The one currency of all prices and costs (ISO 4217). Prices in another one do not hold.",
    )
    price_versions_max: int = Field(
        default=500, ge=2, le=100000, description="Prices that are kept of one model, old ones and coming ones."
    )

    gate_queue_max: int = Field(
        default=5000, ge=1, le=1000000, description="Calls that may wait for one provider; then bulk has to go first."
    )
    gate_tenant_queue_max: int = Field(
        default=500, ge=1, le=1000000, description="Calls of one person that may wait for one provider, but for bulk."
    )
    gate_wait_max_s: float = Field(
        default=60.0, gt=0, le=HOUR_S, description="Longest wait at the gate of who waits for the answer."
    )
    gate_wait_low_max_s: float = Field(
        default=1.0 * HOUR_S, gt=0, le=7 * DAY_S, description="Longest wait at the gate of work in the background."
    )
    gate_starving_s: float = Field(
        default=30.0, gt=0, le=HOUR_S, description="After such a wait a call is let in now and then, whatever its band."
    )
    gate_fallback_after_s: float = Field(
        default=5.0, gt=0, le=HOUR_S, description="After such a wait a call asks the fallbacks of its model too."
    )
    gate_tokens_start: float = Field(
        default=50_000,
        ge=1,
        description="Tokens that a provider gets at once at first; it grows fast until it slows down.",
    )
    gate_tokens_min: float = Field(
        default=4_000, ge=1, description="Tokens that a provider gets at once at least, however slow it is."
    )
    gate_tokens_max: float = Field(default=20_000_000, ge=1, description="Tokens that a provider gets at once at most.")

    router_explored: float = Field(
        default=0.03,
        ge=0,
        le=0.2,
        description="Share of doubtful decisions between fast and thinking that are turned round, to learn from them.",
    )
    router_worth: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="Worth of an answer that thinking made better; twice as much thinks at twice the price.",
    )
    router_days: int = Field(
        default=90, ge=2, le=3650, description="How long decisions between fast and thinking are kept; no word of them."
    )

    budget_answer_tokens: int = Field(
        default=4096, ge=1, le=10**7, description="Tokens that a budget keeps for an answer whose asker set no limit."
    )
    budget_answer_tokens_max: int = Field(
        default=32_768,
        ge=1,
        le=10**7,
        description="Longest answer in tokens under a hard budget whose asker set no limit, while plenty is left.",
    )
    budget_wait_max_s: float = Field(
        default=10.0,
        ge=0,
        le=600,
        description="Longest wait for calls under way to give back what they hold of a budget.",
    )
    budget_lease_s: float = Field(
        default=60.0,
        ge=5,
        le=HOUR_S,
        description="After such a silence, what a process had drawn of a budget counts as spent.",
    )
    budgets_max: int = Field(default=100_000, ge=1, le=10**7, description="Budgets that there may be.")

    local_queue_max: int = Field(
        default=64, ge=1, le=10000, description="Messages that may wait for the built-in model; further ones fail."
    )
    local_wait_max_s: float = Field(
        default=4.0 * HOUR_S, gt=0, le=7 * DAY_S, description="Longest wait for the built-in model to arrive."
    )
    relay_local_wait_s: float = Field(
        default=60.0, ge=0, le=HOUR_S, description="How long an API call waits for the built-in model before it fails."
    )

    relay_body_limit_bytes: int = Field(
        default=32 * MIB, ge=64 * KIB, le=1024 * MIB, description="Largest request body of an API call to a model."
    )
    priority_tier: Literal["nobody", "operators", "everybody"] = Field(
        default="operators", description="Whose API calls may ask for the service tier `priority`."
    )
    relay_store_default: bool = Field(
        default=True,
        description="Whether responses of the API are stored when the caller does not say, as OpenAI does.",
    )
    stored_response_days: int = Field(default=30, ge=1, le=365, description="How long stored responses are kept.")
    stored_response_limit_bytes: int = Field(
        default=8 * MIB, ge=64 * KIB, le=64 * MIB, description="Largest conversation that is stored or continued."
    )
    stored_responses_max: int = Field(
        default=20_000, ge=10, le=10_000_000, description="Stored responses of one person; beyond it the oldest go."
    )
    stored_responses_bytes_max: int = Field(
        default=1024 * MIB,
        ge=64 * MIB,
        description="Size of all stored responses of one person; beyond it the oldest go.",
    )
    background_responses_max: int = Field(
        default=20, ge=1, le=1000, description="Background responses of one person that may wait or run at once."
    )

    batch_file_limit_bytes: int = Field(
        default=100 * MIB, ge=64 * KIB, le=1024 * MIB, description="Largest file of requests for a batch."
    )
    batch_output_limit_bytes: int = Field(
        default=100 * MIB,
        ge=64 * KIB,
        le=1024 * MIB,
        description="Size of all answers of a batch; what is beyond is not asked. MECUM_BLOB_LIMIT_BYTES holds too.",
    )
    batch_lines_max: int = Field(default=50_000, ge=1, le=1_000_000, description="Requests in one batch.")
    batch_line_limit_bytes: int = Field(
        default=4 * MIB, ge=KIB, le=64 * MIB, description="Longest request in the file of a batch."
    )
    batch_lines_at_once: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="Requests of one batch under way at once; the gate decides the rest.",
    )
    batch_files_max: int = Field(
        default=1000, ge=1, le=1_000_000, description="Files of one person for batches and of their results."
    )
    batches_open_max: int = Field(default=20, ge=1, le=10_000, description="Batches of one person that have not ended.")
    batch_days: int = Field(
        default=30, ge=1, le=3650, description="How long batches, and files that say nothing themselves, are kept."
    )

    embed_texts_max: int = Field(default=2048, ge=1, le=100000, description="Texts in one call for embeddings.")
    usage_days: int = Field(
        default=400, ge=1, le=36500, description="How long the record of a call to a model is kept."
    )
    usage_hours_days: int = Field(
        default=800,
        ge=8,
        le=36500,
        description="How long the hourly totals of calls to models are kept; nobody is named.",
    )
    usage_flush_ms: int = Field(
        default=200, ge=10, le=10000, description="How long usage records are collected before they are written."
    )
    usage_buffer_max: int = Field(
        default=20000, ge=100, le=1000000, description="Usage records kept while the database is away."
    )
