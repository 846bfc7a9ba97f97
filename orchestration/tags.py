"""The tags of Dagster's runs, its own and ours: the only place that names them.

They are written out here, for whoever needs one to know a run need not load Dagster, which takes a second. That
Dagster's are its own is held by a test.
"""

PARTITION_NAME_TAG = "dagster/partition"
ASSET_PARTITION_RANGE_START_TAG = "dagster/asset_partition_range_start"
ASSET_PARTITION_RANGE_END_TAG = "dagster/asset_partition_range_end"
PRIORITY_TAG = "dagster/priority"
RUN_KEY_TAG = "dagster/run_key"
WILL_RETRY_TAG = "dagster/will_retry"
RETRY_STRATEGY_TAG = "dagster/retry_strategy"
GRPC_INFO_TAG = ".dagster/grpc_info"

DAYS_TAG = "fleetwatt/days"
"""Of each run that the sensor asks for: which days."""
WHY_TAG = "fleetwatt/why"
