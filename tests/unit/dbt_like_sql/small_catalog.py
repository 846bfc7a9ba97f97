"""A catalog of one source and two models, to break in every way a folder of text can be broken."""

from pathlib import Path

SOURCES = """\
[readings]
kind = "export"
layer = "lake"
owner = "platform"
description = "Registers."
grain = "one row per device and timestamp"
key = ["device_id", "ts"]
[readings.columns]
device_id = { type = "INTEGER", description = "The device." }
ts = { type = "TIMESTAMPTZ", description = "When." }
kwh = { type = "DOUBLE", description = "What it showed, kWh." }
"""

STAGING = """\
[growth]
owner = "analytics"
description = "How far each register went."
grain = "one row per device"
key = ["device_id"]
checks = [
    { not_null = ["grown_kwh"] },
    { accepted_range = "grown_kwh", min = 0 },
    { assert = "growth_is_known" },
]
[growth.columns]
device_id = { type = "INTEGER", description = "The device." }
grown_kwh = { type = "DOUBLE", description = "Last less first, kWh." }
"""

GROWTH = """\
-- How far each register went.
WITH of_day AS (
    SELECT
        device_id,
        kwh
    FROM readings
    WHERE day = getvariable('day')
)

SELECT
    device_id,
    max(kwh) - min(kwh) AS grown_kwh
FROM of_day
GROUP BY device_id
"""

MARTS = """\
[total]
owner = "analytics"
description = "All of it."
grain = "one row per day"
key = ["day"]
[total.columns]
grown_kwh = { type = "DOUBLE", description = "All growth, kWh." }
"""

TOTAL = """\
SELECT sum(grown_kwh) AS grown_kwh
FROM growth
WHERE day = getvariable('day')
"""

CHECK = """\
-- Every device has grown by a known amount.
SELECT device_id
FROM growth
WHERE day = getvariable('day') AND grown_kwh IS NULL
"""

FILES = {
    "models/sources.toml": SOURCES,
    "models/staging/models.toml": STAGING,
    "models/staging/growth.sql": GROWTH,
    "models/marts/models.toml": MARTS,
    "models/marts/total.sql": TOTAL,
    "checks/growth_is_known.sql": CHECK,
}


def write_catalog(folder: Path, changes: dict[str, str | None] | None = None) -> Path:
    """Write it to ``folder/small``, with other texts for some files; ``None`` leaves a file out."""
    root = folder / "small"
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return root
