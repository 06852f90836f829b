"""What the router decided, what became of it, and the weights that were learned.

Revision ID: 0050
"""

from alembic import op

revision = "0050"
down_revision = "0047"

STATEMENTS = """
CREATE TABLE models.route_decision (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    surface varchar(20) NOT NULL,
    purpose varchar(60) NOT NULL,
    work_id uuid,
    model varchar(128) NOT NULL,
    effort varchar(10) NOT NULL CHECK (effort IN ('fast', 'think')),
    why varchar(20) NOT NULL,
    lowered varchar(20),
    features jsonb NOT NULL,
    score double precision NOT NULL,
    price double precision NOT NULL,
    propensity double precision NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    version integer NOT NULL,
    outcomes jsonb NOT NULL,
    learned integer NOT NULL
);
CREATE INDEX route_decision_work ON models.route_decision (work_id, at) WHERE work_id IS NOT NULL;
CREATE INDEX route_decision_person ON models.route_decision (person_id, space_id, id);
CREATE INDEX route_decision_at ON models.route_decision (at);
CREATE INDEX route_decision_unlearned ON models.route_decision (at, id)
    WHERE jsonb_array_length(outcomes) > learned;
CREATE INDEX route_decision_quiet ON models.route_decision (at)
    WHERE effort = 'fast' AND jsonb_array_length(outcomes) = 0;
CREATE TABLE models.route_weights (
    version integer PRIMARY KEY,
    at timestamptz NOT NULL,
    weights jsonb NOT NULL,
    outcomes integer NOT NULL
);
COMMENT ON TABLE models.route_weights IS 'No space: a few dozen numbers of the installation, learned from many answers'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
