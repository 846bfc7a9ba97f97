"""Lets the findings that people work with follow the newest released day."""

from datetime import date

import polars as pl
import psycopg

from warehouse.lake.publish import verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.findings.finding_store import DATASET, lock_findings, newest_told_day, retell_findings
from warehouse.postgres.ledger.lake_files import find_lake_file


def tell_findings(transaction: psycopg.Connection, lake: Lake, day: date) -> None:
    """Write what the day's current findings change, in the transaction that releases them.

    An older day changes nothing: what a restatement of it does to findings, it does to those of the newest day.

    Raises:
        DamagedFileError: the file is not what was published.
    """
    if find_lake_file(transaction, DATASET, day) is None:
        return
    lock_findings(transaction)
    newest = newest_told_day(transaction)
    if newest is None or newest <= day:
        told = pl.read_parquet(verified_file(transaction, lake, DATASET, day))
        retell_findings(transaction, told.iter_rows(named=True), day)
