"""What whoever starts a run may configure: nothing.

Dagster's config is more than values: where it takes a string, it also takes ``{"env": NAME}`` and reads that variable
of the run's process, and its own file manager takes any folder. So no op, asset, resource, executor or logger has a
config field, and Dagster's defaults that have some are replaced by the same ones without.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

NO_CONFIG: Mapping[str, Any] = {}
"""The config schema of an op or an asset. Left out it would mean: anything."""


def _as_they_are(_config: object) -> dict[str, Any]:
    return {}


EXECUTOR = dg.in_process_executor.configured(_as_they_are, name="in_process", config_schema=NO_CONFIG)
"""A process for each step would take longer than most steps do."""
LOGGERS = {"console": dg.colored_console_logger.configured(_as_they_are, config_schema=NO_CONFIG)}
IO_MANAGER = dg.mem_io_manager.configured(_as_they_are, config_schema=NO_CONFIG)
"""No asset hands a value to another one: this keeps Dagster's own file manager away."""
