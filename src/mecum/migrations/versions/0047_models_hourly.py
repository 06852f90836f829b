"""What was asked of models hour by hour, without anybody's name: the operator's history of capacity.

Revision ID: 0047
"""

from alembic import op

revision = "0047"
down_revision = "0046"

STATEMENTS = """
CREATE TABLE models.hourly (
    hour timestamptz NOT NULL,
    provider varchar(100) NOT NULL,
    model varchar(128) NOT NULL,
    band varchar(12) NOT NULL,
    surface varchar(20) NOT NULL,
    outcome varchar(10) NOT NULL CHECK (outcome IN ('ok', 'cancelled', 'refused', 'failed')),
    calls bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_micros bigint NOT NULL,
    queue_ms bigint NOT NULL,
    queue_max_ms bigint NOT NULL,
    ttft_calls bigint NOT NULL,
    ttft_ms bigint NOT NULL,
    ttft_max_ms bigint NOT NULL,
    refused_tokens bigint NOT NULL,
    degraded_calls bigint NOT NULL,
    degraded_tokens bigint NOT NULL,
    PRIMARY KEY (hour, provider, model, band, surface, outcome)
);
COMMENT ON TABLE models.hourly IS 'No space: totals of the installation; no row speaks of a person'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
