"""Files that look like a part of the catalog and are none: whoever wrote one thinks that it counts."""

from pathlib import Path

from dbt_like_sql.model import Problem

_READ = (
    "metrics.toml",
    "models/sources.toml",
    "models/exposures.toml",
    "models/*/models.toml",
    "models/*/*.sql",
    "seeds/seeds.toml",
    "seeds/*.csv",
    "checks/*.sql",
    "*/**/*.test.toml",
)
_PLACES = {
    ".sql": "a model is models/LAYER/NAME.sql, a check checks/NAME.sql",
    ".toml": "declarations are in models/LAYER/models.toml, unit tests in NAME.test.toml beside NAME.sql",
    ".csv": "a seed is seeds/NAME.csv",
}


def unread_files(folder: Path) -> list[Problem]:
    """A problem for each SQL, TOML or CSV file of the folder that nothing reads; hidden ones are an editor's."""
    read = {path for pattern in _READ for path in folder.glob(pattern)}
    found = sorted(path for suffix in _PLACES for path in folder.rglob(f"*{suffix}") if path not in read)
    return [
        Problem(path.relative_to(folder.parent), 1, f"nothing reads this file: {_PLACES[path.suffix]}")
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
