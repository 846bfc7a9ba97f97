"""How far the import of a file has come, so that one that broke off goes on from there."""

import psycopg

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.ledger"


def begin_import(connection: psycopg.Connection, file_sha256: bytes, file_name: str) -> int:
    """Returns how many lines of this file are stored already: of one that was finished none, it is begun again."""
    begin = {"file_sha256": file_sha256, "file_name": file_name}
    ((lines_done,),) = connection.execute(sqlfiles.load(_PACKAGE, "begin_import"), begin).fetchall()
    return int(lines_done)


def advance_import(connection: psycopg.Connection, file_sha256: bytes, lines_done: int, *, is_finished: bool) -> None:
    """Note how many lines are stored."""
    parameters = {"file_sha256": file_sha256, "lines_done": lines_done, "is_finished": is_finished}
    connection.execute(sqlfiles.load(_PACKAGE, "advance_import"), parameters)
