"""The tables of the room, as its SQL names them. Constraints and indexes stand in the migration."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table

from mecum.kit.db import JSONB, TIMESTAMP, UUID, room_metadata

metadata = room_metadata("people")
moment = TIMESTAMP(timezone=True)

organisations = Table(
    "organisations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("slug", String(63)),
    Column("name", String(200)),
    Column("created_at", moment),
)
persons = Table(
    "persons",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("email", String(254)),
    Column("email_key", String(320)),
    Column("name", String(200)),
    Column("role", String(16)),
    Column("state", String(16)),
    Column("locale", String(16)),
    Column("timezone", String(64)),
    Column("created_at", moment),
    Column("email_verified_at", moment),
)
spaces = Table(
    "spaces",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID),
    Column("organisation_id", UUID),
    Column("kind", String(16)),
    Column("created_at", moment),
)
memberships = Table(
    "memberships",
    metadata,
    Column("space_id", UUID, primary_key=True),
    Column("organisation_id", UUID),
    Column("person_id", UUID),
    Column("role", String(16)),
    Column("created_at", moment),
)
passwords = Table(
    "passwords",
    metadata,
    Column("person_id", UUID, primary_key=True),
    Column("hash", String(255)),
    Column("changed_at", moment),
)
passkeys = Table(
    "passkeys",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID),
    Column("credential_id", LargeBinary),
    Column("public_key", LargeBinary),
    Column("sign_count", BigInteger),
    Column("name", String(100)),
    Column("transports", JSONB),
    Column("backed_up", Boolean),
    Column("rp_id", String(253)),
    Column("created_at", moment),
    Column("last_used_at", moment),
)
totp = Table(
    "totp",
    metadata,
    Column("person_id", UUID, primary_key=True),
    Column("secret", LargeBinary),
    Column("confirmed_at", moment),
    Column("last_timecode", BigInteger),
    Column("created_at", moment),
)
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("person_id", UUID, primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", moment),
)
challenges = Table(
    "challenges",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("purpose", String(16)),
    Column("person_id", UUID),
    Column("challenge", LargeBinary),
    Column("expires_at", moment),
)
sessions = Table(
    "sessions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID),
    Column("space_id", UUID),
    Column("organisation_id", UUID),
    Column("state", String(16)),
    Column("created_at", moment),
    Column("authenticated_at", moment),
    Column("last_seen_at", moment),
    Column("expires_at", moment),
    Column("revoked_at", moment),
    Column("address", String(64)),
    Column("user_agent", String(400)),
    Column("surface", String(16)),
)
session_tokens = Table(
    "session_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID),
    Column("issued_at", moment),
    Column("first_used_at", moment),
    Column("retires_at", moment),
)
keys = Table(
    "keys",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID),
    Column("space_id", UUID),
    Column("organisation_id", UUID),
    Column("name", String(100)),
    Column("prefix", String(16)),
    Column("secret_hash", LargeBinary),
    Column("scopes", JSONB),
    Column("created_at", moment),
    Column("expires_at", moment),
    Column("last_used_at", moment),
    Column("revoked_at", moment),
)
links = Table(
    "links",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("organisation_id", UUID),
    Column("kind", String(16)),
    Column("token_hash", LargeBinary),
    Column("person_id", UUID),
    Column("email", String(254)),
    Column("role", String(16)),
    Column("clears_second_factor", Boolean),
    Column("mailed", Boolean),
    Column("created_by", UUID),
    Column("created_at", moment),
    Column("expires_at", moment),
    Column("used_at", moment),
)
reset_requests = Table(
    "reset_requests",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("email_key", String(320)),
    Column("at", moment),
)
refusals = Table(
    "refusals",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID),
    Column("address", String(64)),
    Column("at", moment),
)
throttle = Table(
    "throttle",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("key_hash", LargeBinary, primary_key=True),
    Column("attempts", Integer),
    Column("last_at", moment),
    Column("blocked_until", moment),
)
policies = Table(
    "policies",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSONB),
    Column("changed_at", moment),
)
erasures = Table(
    "erasures",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("person_id", UUID),
    Column("at", moment),
)
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("at", moment),
    Column("organisation_id", UUID),
    Column("space_id", UUID),
    Column("person_id", UUID),
    Column("actor_kind", String(16)),
    Column("actor_id", UUID),
    Column("action", String(100)),
    Column("subject", String(100)),
    Column("payload_hash", LargeBinary),
    Column("hash", LargeBinary),
)
audit_payloads = Table(
    "audit_payloads",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("salt", LargeBinary),
    Column("details", JSONB),
)
audit_head = Table(
    "audit_head",
    metadata,
    Column("only", Boolean, primary_key=True),
    Column("seq", BigInteger),
    Column("hash", LargeBinary),
    Column("seal", LargeBinary),
)
