"""What each file of the lake is called: ``<dataset>/day=YYYY-MM-DD/v<version>-<hash8>.parquet``.

The version orders the files of a day, the beginning of their hash keeps two publishers of one version apart.
"""

import re
from dataclasses import dataclass
from datetime import date

UNVERSIONED = "data.parquet"
"""What a release that replaced files in place called each of them."""
_KEY = re.compile(
    r"(?P<dataset>\w+)/day=(?P<day>\d{4}-\d\d-\d\d)/v(?P<version>[1-9]\d*)-(?P<hash8>[0-9a-f]{8})\.parquet"
)


@dataclass(frozen=True, order=True)
class FileKey:
    """Names one version of a dataset's day. ``hash8``: the first eight hexadecimal digits of its SHA-256."""

    dataset: str
    day: date
    version: int
    hash8: str

    def __str__(self) -> str:
        return f"{folder_of(self.dataset, self.day)}/v{self.version}-{self.hash8}.parquet"

    @classmethod
    def of(cls, dataset: str, day: date, version: int, sha256: bytes) -> "FileKey":
        """The key of a file with these bytes."""
        return cls(dataset, day, version, sha256.hex()[:8])

    @classmethod
    def parse(cls, key: str) -> "FileKey | None":
        """What a key names; ``None``: it is no key of ours."""
        found = _KEY.fullmatch(key)
        if found is None:
            return None
        try:
            day = date.fromisoformat(found["day"])
        except ValueError:  # 30 February
            return None
        return cls(found["dataset"], day, int(found["version"]), found["hash8"])


def folder_of(dataset: str, day: date) -> str:
    """Where all versions of a dataset's day lie."""
    return f"{dataset}/day={day:%Y-%m-%d}"
