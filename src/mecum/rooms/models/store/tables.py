"""The tables of the room, as its SQL names them. Constraints and indexes stand in the migration."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, FetchedValue, Integer, LargeBinary, String, Table

from mecum.kit.db import JSONB, TIMESTAMP, UUID, room_metadata

metadata = room_metadata("models")
moment = TIMESTAMP(timezone=True)

provider = Table(
    "provider",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("name", String(100)),
    Column("name_key", String(100)),
    Column("kind", String(20)),
    Column("base_url", String(500)),
    Column("key_sealed", LargeBinary),
    Column("speaks_responses", Boolean),
    Column("state", String(10)),
    Column("fault", JSONB(none_as_null=True)),
    Column("created_at", moment),
)
model = Table(
    "model",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("provider_id", UUID),
    Column("name", String(128)),
    Column("upstream_model", String(256)),
    Column("kind", String(10)),
    Column("context_tokens", Integer),
    Column("vision", Boolean),
    Column("native_tools", Boolean),
    Column("enabled", Boolean),
    Column("created_at", moment),
)
price = Table(
    "price",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("model_id", UUID),
    Column("model", String(128)),
    Column("currency", String(3)),
    Column("since", moment),
    Column("input", BigInteger),
    Column("cached", BigInteger),
    Column("output", BigInteger),
    Column("reasoning", BigInteger),
    Column("image", BigInteger),
    Column("second", BigInteger),
    Column("created_at", moment),
)
setting = Table("setting", metadata, Column("key", String(100), primary_key=True), Column("value", JSONB))
usage = Table(
    "usage",
    metadata,
    Column("request_id", UUID, primary_key=True),
    Column("at", moment),
    Column("person_id", UUID),
    Column("space_id", UUID),
    Column("organisation_id", UUID),
    Column("actor", String(10)),
    Column("key_id", UUID),
    Column("surface", String(20)),
    Column("purpose", String(60)),
    Column("model", String(128)),
    Column("provider", String(100)),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("estimated", Boolean),
    Column("latency_ms", Integer),
    Column("ttft_ms", Integer),
    Column("outcome", String(60)),
    Column("cost_micros", BigInteger),
    Column("price_id", UUID),
    Column("band", String(12)),
    Column("queue_ms", Integer),
    Column("tier", String(10)),
    Column("degraded", String(40)),
    Column("work_id", UUID),
)
budget = Table(
    "budget",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("subject", String(20)),
    Column("subject_id", UUID),
    Column("person_id", UUID),
    Column("unit", String(10)),
    Column("amount", BigInteger),
    Column("period", String(10)),
    Column("hard", Boolean),
    Column("timezone", String(64)),
    Column("set_by", String(10)),
    Column("created_at", moment),
)
budget_window = Table(
    "budget_window",
    metadata,
    Column("budget_id", UUID, primary_key=True),
    Column("owner_id", UUID, primary_key=True),
    Column("starts_at", moment, primary_key=True),
    Column("ends_at", moment),
    Column("spent", BigInteger),
    Column("leased", BigInteger),
    Column("unattributed", BigInteger),
)
budget_lease = Table(
    "budget_lease",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("budget_id", UUID),
    Column("owner_id", UUID),
    Column("starts_at", moment),
    Column("amount", BigInteger),
    Column("expires_at", moment),
)
stored_response = Table(
    "stored_response",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("person_id", UUID),
    Column("space_id", UUID),
    Column("organisation_id", UUID),
    Column("key_id", UUID),
    Column("surface", String(20)),
    Column("model", String(128)),
    Column("background", Boolean),
    Column("status", String(20)),
    Column("request", JSONB),
    Column("conversation", JSONB),
    Column("input_count", Integer),
    Column("response", JSONB),
    Column("created_at", moment),
    Column("expires_at", moment),
    Column("size_bytes", BigInteger, FetchedValue()),
)
