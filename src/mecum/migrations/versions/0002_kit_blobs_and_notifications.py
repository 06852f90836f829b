"""kit: blobs, the mail queue, notifications and what people prefer to be told about.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
CREATE TABLE kit.blob (
    id uuid PRIMARY KEY,
    room varchar(40) NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    file varchar(64) NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    media_type varchar(100) NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    released_at timestamptz
);
CREATE INDEX blob_space ON kit.blob (space_id);
CREATE INDEX blob_file ON kit.blob (file);
CREATE INDEX blob_released ON kit.blob (released_at) WHERE released_at IS NOT NULL;
CREATE INDEX blob_expires ON kit.blob (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON COLUMN kit.blob.file IS 'Name of the encrypted file: blobs with the same bytes, room and space share it';
CREATE TABLE kit.mail_queue (
    id uuid PRIMARY KEY,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX mail_queue_expires ON kit.mail_queue (expires_at);
COMMENT ON TABLE kit.mail_queue IS
    'No space: sealed messages on their way, also to people without an account; removed when sent or given up';
CREATE TABLE kit.notification (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind varchar(80) NOT NULL,
    params jsonb NOT NULL,
    link varchar(500) NOT NULL,
    dedupe_key varchar(200),
    bell boolean NOT NULL,
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    mailed_at timestamptz
);
CREATE INDEX notification_bell ON kit.notification (person_id, space_id, id) WHERE bell;
CREATE INDEX notification_unread ON kit.notification (person_id, space_id) WHERE bell AND read_at IS NULL;
CREATE INDEX notification_created ON kit.notification (created_at);
CREATE UNIQUE INDEX notification_dedupe ON kit.notification (person_id, kind, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE TABLE kit.notification_preference (
    person_id uuid NOT NULL,
    kind varchar(80) NOT NULL,
    bell boolean,
    mail boolean,
    quiet_from_minute smallint CHECK (quiet_from_minute BETWEEN 0 AND 1439),
    quiet_to_minute smallint CHECK (quiet_to_minute BETWEEN 0 AND 1439),
    timezone varchar(64),
    PRIMARY KEY (person_id, kind),
    CHECK ((quiet_from_minute IS NULL) = (quiet_to_minute IS NULL)),
    CHECK (kind = '*' OR (quiet_from_minute IS NULL AND timezone IS NULL))
);
COMMENT ON TABLE kit.notification_preference IS
    'No space: what a person wants to be told holds in all spaces of that person';
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
