"""Notes in the audit log that somebody began a job by hand: one of many transactions, which no single one can tell."""

import psycopg

from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.postgres.audit.entries import record


def note_run(connection: psycopg.Connection, command: str, **said: object) -> None:
    """Before it begins, so that what fails half-way is told too. ``said``: what it was to do."""
    record(connection, Action.COMMAND_RUN, Change(SubjectKind.COMMAND, command, None, said))
