"""What people are told of findings: decided, put on its way and sent."""

from datetime import UTC, datetime

import dagster as dg

from dbt_like_sql.catalog import Catalog
from orchestration.alerting.channels import channels_of
from orchestration.alerting.finding_alerts import alert_of_findings
from orchestration.assets.code_references import code_of_module
from orchestration.assets.datasets import DAY_REPORT
from orchestration.assets.declared import GOLD, REPORTS, tags
from orchestration.assets.pools import ALERTS
from orchestration.assets.report import FIGURES
from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from warehouse.postgres.alerts.deliveries import channel_overviews

FINDING_ALERTS = dg.AssetKey("finding_alerts")

DESCRIPTION = """Messages of findings that opened, came back, got worse or closed, and a digest of the rest, on every
channel that is set (`FLEET_ALERT_...`).

Idempotent: an event of a finding is decided on once, its message put on its way once a channel. A run also sends again
what was not taken before. What did not work is in the metadata and in `fleetwatt alerts list`; it fails no run."""


def finding_alerts_asset(catalog: Catalog) -> dg.AssetsDefinition:
    """The asset. What it tells of is written when a day is released, at the end of the day's report."""

    @dg.asset(
        key=FINDING_ALERTS,
        deps=[DAY_REPORT],
        group_name=REPORTS,
        description=DESCRIPTION,
        owners=[f"team:{catalog.models[FIGURES].owner}"],
        kinds={"postgres"},
        pool=ALERTS,
        config_schema=NO_CONFIG,
        tags=tags(catalog.models[FIGURES].domain, GOLD),
        metadata=code_of_module(__file__),
    )
    def finding_alerts(warehouse: WarehouseParam) -> dg.MaterializeResult[None]:
        settings = warehouse.settings
        with told_plainly(), warehouse.connect() as connection:
            done = alert_of_findings(connection, channels_of(settings), settings, lambda: datetime.now(UTC))
            left = channel_overviews(connection)
        return dg.MaterializeResult(
            metadata={
                "events": done.decided.events,
                "messages": done.decided.messages,
                "sent": done.sent.sent,
                "put_off": done.sent.put_off,
                "given_up": done.sent.given_up,
                "not_taken": "\n".join(each.words for each in left) or "none",
            }
        )

    return finding_alerts
