"""What each session of ours with PostgreSQL relies on, in one place for every driver.

A server's file, ``ALTER DATABASE``, ``ALTER ROLE``, ``PGOPTIONS``, ``PGTZ`` and the like fill in what a session does
not say itself. So each session says it, once, when it is made, and by a statement: that outranks all of them, and holds
behind a connection pooler that takes no start-up options.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import Literal

from warehouse import sqlfiles

SCHEMA = "public"
"""Where our tables are, unless the address itself names another ``search_path`` in its ``options``."""

RELIED_ON: Mapping[str, str] = {
    # Whether what is confirmed is stored. Kept where it says remote_apply, which waits for more: see the statement.
    "synchronous_commit": "on",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # How values are written and read.
    "client_encoding": "UTF8",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "timezone_abbreviations": "Default",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "lc_numeric": "C",
    "lc_time": "C",
    "xmlbinary": "base64",
    "xmloption": "content",
    # Which rows and tables there are. A policy that hides rows from us is an error, and not a smaller answer.
    "search_path": SCHEMA,
    "row_security": "off",
    "restrict_nonsystem_relation_kind": "",
    "default_table_access_method": "heap",
    "check_function_bodies": "on",
    # How long something may take: we have our own deadlines, and jobs that hold a snapshot for as long as they need.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "exit_on_error": "off",
    "client_min_messages": "notice",
    # The plans that were measured. Compiling a query of 2 ms costs more than running it.
    "jit": "off",
    "geqo": "on",
    "plan_cache_mode": "auto",
    "constraint_exclusion": "partition",
    "enable_partition_pruning": "on",
    "enable_indexscan": "on",
    "enable_indexonlyscan": "on",
    "enable_bitmapscan": "on",
    "enable_seqscan": "on",
    "enable_sort": "on",
    "enable_hashagg": "on",
    "enable_hashjoin": "on",
    "enable_mergejoin": "on",
    "enable_nestloop": "on",
    "enable_material": "on",
    "enable_memoize": "on",
}
"""By name; what a version of PostgreSQL does not know is left out there. What is a matter of the machine, such as
``work_mem``, costs and tablespaces, stays as it is."""

AT_START = (
    "statement_timeout",
    "lock_timeout",
    "idle_session_timeout",
    "default_transaction_isolation",
    "default_transaction_deferrable",
    "standard_conforming_strings",
)
"""Said in the start-up options too: what could end the session, or let it wait, before it has said anything, and by
what psycopg2 decides for good how it writes texts."""


def option(name: str, value: str) -> str:
    """One of a session's start-up options."""
    escaped = re.sub(r"([\\\s])", r"\\\1", value)
    return f"-c {name}={escaped}"


_NOT_TAKEN = "unsupported startup parameter"
"""What PgBouncer says to start-up options, unless it is told to ignore them."""
_SAID_OF_CUT = ("transaction timeout", "server closed the connection")
_NO_TRANSACTION_TIMEOUT = option("transaction_timeout", "0")
"""Not one of those at the start: before PostgreSQL 17 it is refused there. So only where it has struck."""


@dataclass(frozen=True)
class SessionStart:
    """How one session begins, by the ``options`` that its address has."""

    given: Mapping[str, str]
    options: str
    """What is sent at the start: theirs first, ours last."""

    @classmethod
    def of_options(cls, given: str | None) -> Self:
        """``given`` by the address; without any, as for libpq, ``PGOPTIONS`` holds."""
        ours = " ".join(option(name, RELIED_ON[name]) for name in AT_START)
        theirs = os.environ.get("PGOPTIONS", "") if given is None else given
        return cls(settings_of(given or ""), f"{theirs} {ours}".strip())

    @classmethod
    def of_address(cls, url: str) -> Self:
        """By what the address says in its ``options``."""
        found = conninfo_to_dict(url).get("options")
        return cls.of_options(None if found is None else str(found))

    @property
    def settings(self) -> dict[str, str]:
        """What the session is to have."""
        return {**RELIED_ON, "search_path": self.given.get("search_path", SCHEMA)}

    @property
    def at_connect(self) -> dict[str, str]:
        """What libpq is to send when it connects."""
        return {"options": self.options, "client_encoding": "UTF8"}

    @property
    def statement(self) -> str:
        """What sets them, for any driver: without parameters, so that it is one message to the server."""
        settings = Literal(json.dumps(self.settings))
        return sqlfiles.load("warehouse.postgres", "set_session").format(settings=settings).as_string()

    def after(self, error: Exception) -> Self:
        """How to try again after a driver's error, which is raised where that would be of no use."""
        if _NOT_TAKEN in str(error) and self.given.keys() <= RELIED_ON.keys():
            options = ""  # nothing of theirs is lost: the statement says it all
        elif _was_cut(error) and _NO_TRANSACTION_TIMEOUT not in self.options:
            options = f"{self.options} {_NO_TRANSACTION_TIMEOUT}"
        else:
            raise error
        return replace(self, options=options)


class Session(psycopg.Connection[Any]):
    """A blocking connection that says what it relies on."""

    @classmethod
    def connect(cls, conninfo: str = "", **arguments: Any) -> Self:
        """Raises the driver's errors."""
        start = SessionStart.of_address(conninfo)
        while True:
            try:
                return cls._begin(conninfo, start, arguments)
            except psycopg.Error as error:
                start = start.after(error)

    @classmethod
    def _begin(cls, conninfo: str, start: SessionStart, arguments: dict[str, Any]) -> Self:
        # In a transaction it could be ended before it says how long one may take.
        named = {**arguments, **start.at_connect, "autocommit": True}
        connection = super().connect(conninfo, **named)
        try:
            connection.execute(start.statement.encode())
            connection.set_autocommit(bool(arguments.get("autocommit")))
        except BaseException:
            connection.close()
            raise
        return connection


class AsyncSession(psycopg.AsyncConnection[Any]):
    """The same for the event loop."""

    @classmethod
    async def connect(cls, conninfo: str = "", **arguments: Any) -> Self:
        """Raises the driver's errors."""
        start = SessionStart.of_address(conninfo)
        while True:
            try:
                return await cls._begin(conninfo, start, arguments)
            except psycopg.Error as error:
                start = start.after(error)

    @classmethod
    async def _begin(cls, conninfo: str, start: SessionStart, arguments: dict[str, Any]) -> Self:
        # In a transaction it could be ended before it says how long one may take.
        named = {**arguments, **start.at_connect, "autocommit": True}
        connection = await super().connect(conninfo, **named)
        try:
            await connection.execute(start.statement.encode())
            await connection.set_autocommit(bool(arguments.get("autocommit")))
        except BaseException:
            await connection.close()
            raise
        return connection


def settings_of(options: str) -> dict[str, str]:
    """What start-up options set, as PostgreSQL reads them: ``-c name=value``, ``-cname=value``, ``--name=value``."""
    words = [re.sub(r"\\(.)", r"\1", word) for word in re.findall(r"(?:\\.|[^\s\\])+", options)]
    found: dict[str, str] = {}
    for number, word in enumerate(words):
        said = words[number + 1] if word == "-c" and number + 1 < len(words) else word.removeprefix("-c")
        if word.startswith(("-c", "--")):
            name, _, value = said.removeprefix("--").partition("=")
            found[name.replace("-", "_").lower()] = value
    return found


def _was_cut(error: Exception) -> bool:
    """Whether the session may have run into a transaction's timeout before it said that there is none."""
    sqlstate = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return sqlstate == "25P04" or any(text in str(error) for text in _SAID_OF_CUT)
