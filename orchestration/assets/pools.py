"""Dagster's pools: of the runs that have an asset in a pool, one runs at a time, whoever started them.

The limit is in ``dagster.yaml``. The pages of Dagster show a pool's runs, and which wait for it.
"""

CLOSED_DAYS = "closed_days"
"""Everything of a closed day: such a run uses both of two cores, and days that run one after another need no second
build."""
CLOSED_HOURS = "closed_hours"
"""The hours of today: seconds, beside a day."""
ALERTS = "alerts"
"""Messages of findings: seconds of waiting for others' servers, beside all else."""
