"""What a day is made without: files of earlier days that are lost, and that nothing can rebuild any more."""

from dataclasses import dataclass, field
from datetime import date

import psycopg

from warehouse.lake.publish import (
    DamagedFileError,
    MissingFileError,
    is_file_intact,
    lost_exports,
    queue_damaged,
    say_damaged,
)
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.restatement_words import named
from warehouse.postgres.ledger.gaps import register_gaps
from warehouse.postgres.ledger.lake_files import LakeFile


@dataclass
class Gaps:
    """The gaps that a step met while it made a day. Whoever calls holds that day."""

    connection: psycopg.Connection
    lake: Lake
    is_stepped_over: bool = True
    """Whether what the day before carried, and is lost, is taken from the day before that."""
    lost: list[LakeFile] = field(default_factory=list)
    _is_lost_day: dict[date, bool] = field(default_factory=dict)

    def is_gap(self, file: LakeFile) -> bool:
        """Whether a file of an earlier day is lost for good; then it is remembered.

        Raises:
            MissingFileError, DamagedFileError: it is not what was published, and can be rebuilt; its day is queued.
        """
        if self.is_known(file):
            return True
        if is_file_intact(self.lake, file):
            return False
        if not self._is_lost(file.day):
            queue_damaged(self.connection, self.lake, file)
        self.lost.append(file)
        return True

    def is_known(self, file: LakeFile) -> bool:
        """Whether a file is one of the gaps that were met."""
        return (file.dataset, file.day, file.sha256) in {(each.dataset, each.day, each.sha256) for each in self.lost}

    def register(self, transaction: psycopg.Connection, dataset: str, day: date) -> None:
        """Note them with the version that is published: the day is made again when one of them is back."""
        register_gaps(transaction, dataset, day, self.lost)

    def words(self) -> str:
        """Without what the day was made, and what to do; empty where nothing is missing."""
        if not self.lost:
            return ""
        files = sorted(self.lost, key=lambda file: (file.day, file.dataset))
        return f"made without {named([f'{file.dataset} of {file.day}' for file in files])}: {self._remedy(files[0])}"

    def _is_lost(self, day: date) -> bool:
        if day not in self._is_lost_day:
            self._is_lost_day[day] = bool(lost_exports(self.connection, self.lake, day))
        return self._is_lost_day[day]

    def _remedy(self, file: LakeFile) -> str:
        try:
            say_damaged(self.connection, self.lake, file)
        except (MissingFileError, DamagedFileError) as error:
            return error.detail
