"""Budgets, what was spent of them, and the leases of processes that spend; usage records say what a call cost.

Revision ID: 0045
"""

from alembic import op

revision = "0045"
down_revision = "0044"

STATEMENTS = """
CREATE TABLE models.budget (
    id uuid PRIMARY KEY,
    subject varchar(20) NOT NULL CHECK (subject IN ('person', 'each_person', 'key', 'organisation')),
    subject_id uuid,
    person_id uuid,
    unit varchar(10) NOT NULL CHECK (unit IN ('tokens', 'money')),
    amount bigint NOT NULL CHECK (amount >= 0),
    period varchar(10) NOT NULL CHECK (period IN ('day', 'week', 'month')),
    hard boolean NOT NULL,
    timezone varchar(64) NOT NULL,
    set_by varchar(10) NOT NULL CHECK (set_by IN ('operator', 'person')),
    created_at timestamptz NOT NULL,
    CHECK ((subject = 'each_person') = (subject_id IS NULL))
);
COMMENT ON TABLE models.budget IS 'No space: a limit of the installation on a person, key or organisation';
CREATE UNIQUE INDEX budget_subject ON models.budget (subject, subject_id, unit, period, set_by) NULLS NOT DISTINCT;
COMMENT ON COLUMN models.budget.person_id IS 'The person whom it limits, or whose key';
CREATE INDEX budget_of ON models.budget (subject_id);
CREATE INDEX budget_person ON models.budget (person_id);

CREATE TABLE models.budget_window (
    budget_id uuid NOT NULL REFERENCES models.budget (id) ON DELETE CASCADE,
    owner_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    spent bigint NOT NULL DEFAULT 0,
    leased bigint NOT NULL DEFAULT 0,
    unattributed bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (budget_id, owner_id, starts_at)
);
COMMENT ON TABLE models.budget_window IS 'No space: one count per period of a budget';
COMMENT ON COLUMN models.budget_window.unattributed IS 'The part of spent that stood open when a process died';
CREATE INDEX budget_window_owner ON models.budget_window (owner_id, ends_at);
CREATE INDEX budget_window_ends ON models.budget_window (ends_at);

CREATE TABLE models.budget_lease (
    id uuid PRIMARY KEY,
    budget_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    amount bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (budget_id, owner_id, starts_at) REFERENCES models.budget_window ON DELETE CASCADE
);
COMMENT ON TABLE models.budget_lease IS 'No space: what a process has drawn of a budget and not yet accounted for';
CREATE INDEX budget_lease_expires ON models.budget_lease (expires_at);
CREATE INDEX budget_lease_window ON models.budget_lease (budget_id, owner_id, starts_at);

ALTER TABLE models.usage
    ADD COLUMN cost_micros bigint NOT NULL DEFAULT 0,
    ADD COLUMN price_id uuid,
    ADD COLUMN band varchar(12) NOT NULL DEFAULT 'interactive',
    ADD COLUMN queue_ms integer NOT NULL DEFAULT 0,
    ADD COLUMN tier varchar(10) NOT NULL DEFAULT 'default',
    ADD COLUMN degraded varchar(40),
    ADD COLUMN work_id uuid;
COMMENT ON COLUMN models.usage.work_id IS 'The run or job for which a model was asked';
CREATE INDEX usage_person_at ON models.usage (person_id, at)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
