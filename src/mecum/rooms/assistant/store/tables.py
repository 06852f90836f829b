"""The room's tables, as migrations made them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    FetchedValue,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from mecum.kit.db import JSONB, TIMESTAMP, UUID, room_metadata

metadata = room_metadata("assistant")
AT = TIMESTAMP(timezone=True)


def owned() -> list[Column[object]]:
    return [Column("space_id", UUID, nullable=False), Column("organisation_id", UUID, nullable=False)]


thread = Table(
    "thread",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("title", String(200), nullable=False),
    Column("title_by", String(10), nullable=False),
    Column("origin", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("temporary", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("head_seq", BigInteger, nullable=False),
    Column("read_seq", BigInteger, nullable=False),
    Column("selected_message", UUID),
    Column("created_at", AT, nullable=False),
    Column("updated_at", AT, nullable=False),
    Column("deleted_at", AT),
)
event = Table(
    "event",
    metadata,
    Column("thread_id", UUID, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("id", UUID, nullable=False),
    Column("type", String(40), nullable=False),
    Column("v", SmallInteger, nullable=False),
    Column("at", AT, nullable=False),
    Column("actor", String(10), nullable=False),
    Column("run_id", UUID),
    Column("message_id", UUID),
    Column("parent_id", UUID),
)
payload = Table(
    "payload",
    metadata,
    Column("event_id", UUID, primary_key=True),
    Column("thread_id", UUID, nullable=False),
    *owned(),
    Column("body", JSONB, nullable=False),
)
run = Table(
    "run",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("thread_id", UUID, nullable=False),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("state", String(10), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("answer_message", UUID, nullable=False),
    Column("answer_parent", UUID, nullable=False),
    Column("surface", String(20), nullable=False),
    Column("options", JSONB, nullable=False),
    Column("stop_requested", Boolean, nullable=False),
    Column("reason", String(10)),
    Column("created_at", AT, nullable=False),
    Column("active_seconds", Double, nullable=False),
    Column("finished_at", AT),
    Column("key_id", UUID),
)
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("run_id", UUID, primary_key=True),
    Column("thread_id", UUID, nullable=False),
    *owned(),
    Column("message_id", UUID, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("at", AT, nullable=False),
)
posted = Table(
    "posted",
    metadata,
    Column("person_id", UUID, primary_key=True),
    *owned(),
    Column("client_id", String(100), primary_key=True),
    Column("thread_id", UUID, nullable=False),
    Column("message_id", UUID, nullable=False),
    Column("run_id", UUID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", AT, nullable=False),
)
wait = Table(
    "wait",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("thread_id", UUID, nullable=False),
    Column("run_id", UUID, nullable=False),
    *owned(),
    Column("kind", String(20), nullable=False),
    Column("call_id", String(100)),
    Column("answered_at", AT),
)
message_text = Table(
    "message_text",
    metadata,
    Column("message_id", UUID, primary_key=True),
    Column("thread_id", UUID, nullable=False),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("at", AT, nullable=False),
    Column("terms", TSVECTOR, nullable=False),
)
title_text = Table(
    "title_text",
    metadata,
    Column("thread_id", UUID, primary_key=True),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("terms", TSVECTOR),
)
file_text = Table(
    "file_text",
    metadata,
    Column("attachment_id", UUID, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("part", Integer),
    Column("start", Integer, nullable=False),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("terms", TSVECTOR),
)
attachment = Table(
    "attachment",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("thread_id", UUID),
    Column("blob_id", UUID, nullable=False),
    Column("name", String(255), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("media_type", String(200), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("fault", JSONB(none_as_null=True)),
    Column("parts", JSONB),
    Column("message_id", UUID),
    Column("created_at", AT, nullable=False),
)
share = Table(
    "share",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("thread_id", UUID, nullable=False),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("token_hash", LargeBinary, nullable=False),
    Column("sealed_token", LargeBinary, nullable=False),
    Column("title", String(200), nullable=False),
    Column("snapshot", JSONB, nullable=False),
    Column("created_at", AT, nullable=False),
    Column("size_bytes", BigInteger, FetchedValue(), nullable=False),
)
schedule = Table(
    "schedule",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID, nullable=False),
    *owned(),
    Column("title", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("cron", String(100)),
    Column("at", AT),
    Column("timezone", String(60), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("thread_id", UUID),
    Column("next_at", AT),
    Column("missed_at", AT),
    Column("last_at", AT),
    Column("created_at", AT, nullable=False),
)
