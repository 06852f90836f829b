"""people: persons, organisations, spaces, credentials, sessions, keys, links and the audit log.

A table without a space says why in its comment, which begins with `No space:`.

Revision ID: 0010
"""

from alembic import op

revision = "0010"
down_revision = "0002"

TABLES = """
CREATE TABLE people.organisations (
    id uuid PRIMARY KEY,
    slug varchar(63) NOT NULL UNIQUE,
    name varchar(200) NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE people.persons (
    id uuid PRIMARY KEY,
    email varchar(254) NOT NULL,
    email_key varchar(320) UNIQUE,
    name varchar(200) NOT NULL,
    role varchar(16) NOT NULL CHECK (role IN ('owner', 'operator', 'member')),
    state varchar(16) NOT NULL CHECK (state IN ('active', 'disabled', 'erased')),
    locale varchar(16) NOT NULL,
    timezone varchar(64) NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK ((state = 'erased') = (email_key IS NULL))
);
CREATE INDEX persons_owners ON people.persons (id) WHERE role = 'owner' AND state = 'active';
CREATE TABLE people.spaces (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people.persons,
    organisation_id uuid NOT NULL REFERENCES people.organisations,
    kind varchar(16) NOT NULL CHECK (kind IN ('personal', 'membership')),
    created_at timestamptz NOT NULL,
    UNIQUE (person_id, organisation_id, kind),
    UNIQUE (id, organisation_id)
);
CREATE UNIQUE INDEX spaces_one_personal ON people.spaces (person_id) WHERE kind = 'personal';
CREATE TABLE people.memberships (
    space_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    person_id uuid NOT NULL REFERENCES people.persons,
    role varchar(16) NOT NULL CHECK (role IN ('admin', 'member')),
    created_at timestamptz NOT NULL,
    UNIQUE (organisation_id, person_id),
    FOREIGN KEY (space_id, organisation_id) REFERENCES people.spaces (id, organisation_id)
);
CREATE TABLE people.passwords (
    person_id uuid PRIMARY KEY REFERENCES people.persons,
    hash varchar(255) NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE TABLE people.passkeys (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people.persons,
    credential_id bytea NOT NULL UNIQUE,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name varchar(100) NOT NULL,
    transports jsonb NOT NULL,
    backed_up boolean NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX passkeys_person ON people.passkeys (person_id);
CREATE TABLE people.totp (
    person_id uuid PRIMARY KEY REFERENCES people.persons,
    secret bytea NOT NULL,
    confirmed_at timestamptz,
    last_timecode bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE people.recovery_codes (
    person_id uuid NOT NULL REFERENCES people.persons,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person_id, code_hash)
);
CREATE TABLE people.challenges (
    id uuid PRIMARY KEY,
    purpose varchar(16) NOT NULL CHECK (purpose IN ('register', 'sign_in')),
    person_id uuid REFERENCES people.persons,
    challenge bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX challenges_expires ON people.challenges (expires_at);
CREATE TABLE people.sessions (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people.persons,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    state varchar(16) NOT NULL CHECK (state IN ('second_factor', 'active')),
    created_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    address varchar(64) NOT NULL,
    user_agent varchar(400) NOT NULL,
    surface varchar(16) NOT NULL,
    FOREIGN KEY (space_id, organisation_id) REFERENCES people.spaces (id, organisation_id)
);
CREATE INDEX sessions_person ON people.sessions (person_id);
CREATE INDEX sessions_expires ON people.sessions (expires_at);
CREATE TABLE people.session_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES people.sessions ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    first_used_at timestamptz,
    retires_at timestamptz
);
CREATE INDEX session_tokens_session ON people.session_tokens (session_id, issued_at);
CREATE INDEX session_tokens_retires ON people.session_tokens (retires_at) WHERE retires_at IS NOT NULL;
CREATE TABLE people.keys (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people.persons,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    name varchar(100) NOT NULL,
    prefix varchar(16) NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    scopes jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    FOREIGN KEY (space_id, organisation_id) REFERENCES people.spaces (id, organisation_id)
);
CREATE INDEX keys_person ON people.keys (person_id);
CREATE TABLE people.links (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES people.organisations,
    kind varchar(16) NOT NULL CHECK (kind IN ('setup', 'invitation', 'reset')),
    token_hash bytea NOT NULL UNIQUE,
    person_id uuid REFERENCES people.persons,
    email varchar(254),
    role varchar(16) NOT NULL CHECK (role IN ('owner', 'operator', 'member')),
    clears_second_factor boolean NOT NULL,
    created_by uuid REFERENCES people.persons,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CHECK ((kind = 'reset') = (person_id IS NOT NULL))
);
CREATE INDEX links_kind ON people.links (kind, id);
CREATE INDEX links_person ON people.links (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX links_expires ON people.links (expires_at);
CREATE TABLE people.reset_requests (
    id uuid PRIMARY KEY,
    email_key varchar(320) NOT NULL,
    at timestamptz NOT NULL
);
CREATE TABLE people.throttle (
    kind varchar(32) NOT NULL,
    key_hash bytea NOT NULL,
    attempts integer NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz,
    PRIMARY KEY (kind, key_hash)
);
CREATE INDEX throttle_last ON people.throttle (last_at);
CREATE TABLE people.policies (
    name varchar(64) PRIMARY KEY,
    value jsonb NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE TABLE people.erasures (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people.persons,
    at timestamptz NOT NULL
);
CREATE TABLE people.audit (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    organisation_id uuid NOT NULL,
    space_id uuid,
    person_id uuid,
    actor_kind varchar(16) NOT NULL,
    actor_id uuid,
    action varchar(100) NOT NULL,
    subject varchar(100) NOT NULL,
    payload_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX audit_person ON people.audit (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX audit_subject ON people.audit (subject);
CREATE TABLE people.audit_payloads (
    seq bigint PRIMARY KEY REFERENCES people.audit,
    salt bytea NOT NULL,
    details jsonb NOT NULL
);
CREATE TABLE people.audit_head (
    "only" boolean PRIMARY KEY CHECK ("only"),
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    seal bytea NOT NULL
);
INSERT INTO people.organisations (id, slug, name, created_at) VALUES (gen_random_uuid(), 'home', 'Home', now())
"""

APPEND_ONLY = """
CREATE FUNCTION people.audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$
"""

NO_SPACE = {
    "organisations": "an organisation holds spaces",
    "persons": "the account stands above its spaces",
    "spaces": "the space itself, its id is the key",
    "passwords": "credentials belong to the account, which stands above its spaces",
    "passkeys": "credentials belong to the account, which stands above its spaces",
    "totp": "credentials belong to the account, which stands above its spaces",
    "recovery_codes": "credentials belong to the account, which stands above its spaces",
    "challenges": "asked before anybody is signed in, gone after minutes",
    "session_tokens": "part of a session, which has a space",
    "links": "used before anybody is signed in; they have an organisation",
    "reset_requests": "asked before anybody is signed in, gone after minutes",
    "throttle": "counters about addresses and accounts, hashed",
    "policies": "rules of the installation",
    "erasures": "which accounts were erased: ids alone",
    "audit": "the log of the installation: an envelope names the space where there is one",
    "audit_payloads": "part of the audit log",
    "audit_head": "the end of the audit log",
}


def upgrade() -> None:
    op.execute("CREATE SCHEMA people")
    for statement in TABLES.split(";"):
        op.execute(statement)
    op.execute(APPEND_ONLY)
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON people.audit "
        "FOR EACH ROW EXECUTE FUNCTION people.audit_is_append_only()"
    )
    op.execute(
        "CREATE TRIGGER audit_never_truncated BEFORE TRUNCATE ON people.audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION people.audit_is_append_only()"
    )
    for table, reason in NO_SPACE.items():
        op.execute(f"COMMENT ON TABLE people.{table} IS 'No space: {reason}.'")
