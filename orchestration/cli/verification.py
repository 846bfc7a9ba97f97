"""Whether the files of the lake that a command reads are those that were published."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Annotated

import typer

from orchestration.cli.options import notes
from orchestration.home.folder import current_database
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.lake.checked_files import CheckedFiles
from warehouse.lake.paths import Lake
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings

Unverified = Annotated[
    bool,
    typer.Option("--unverified", help="Do not read the files for their hashes first: quicker, and maybe wrong."),
]


def verification(
    settings: FleetSettings, datasets: Sequence[str], day: date | None, *, skip: bool = False
) -> Callable[[], None]:
    """A look at the files of these datasets, of one day or all, to be repeated where they are replaced meanwhile.

    What it does not read again is what it has read, and nobody wrote to since. It raises MissingFileError or
    DamagedFileError where one is not what was published; where no database runs that has the ledger it says so, once.
    """
    checked = CheckedFiles()

    @cache
    def say_what_was_not_checked(why: str) -> None:
        notes.print(f"the files were not compared with the ledger of what was published: {why}")

    def look() -> None:
        if skip:
            return
        try:
            with connect(current_database(settings)) as connection:
                checked.require_published(connection, Lake(settings.lake), datasets, day)
        except DatabaseUnavailableError as error:
            say_what_was_not_checked(error.detail)

    return look
