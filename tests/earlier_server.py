"""A home whose data an earlier major version of PostgreSQL made, for tests of upgrades."""

import secrets
import tempfile
from pathlib import Path

from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.embedded.cluster import DATABASE, PASSWORD_FILE, SUPERUSER
from warehouse.postgres.embedded.earlier_programs import EarlierPrograms, find_earlier
from warehouse.postgres.embedded.files import make_folder


def earlier_server(home: Path, major: str) -> EmbeddedPostgres:
    """The server of a new home, by the programs of this major version; it has not been started yet."""
    programs = find_earlier(major, None)
    make_folder(home)
    account = account_for_home(home)
    account.own(home)
    password = home / "new.password"
    with as_owner_of(home):
        password.write_text(secrets.token_urlsafe(24))
        password.chmod(0o600)
    data = home / "postgres"
    _run(home, programs, "initdb", "--pgdata", data, "--username", SUPERUSER, "--pwfile", password, *_OPTIONS)
    _run(home, programs, "postgres", "--single", "-D", data, "postgres", text=f"CREATE DATABASE {DATABASE}\n")
    with as_owner_of(home):
        password.rename(data / PASSWORD_FILE)
    return EmbeddedPostgres(home, earlier=programs)


_OPTIONS = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions")


def _run(home: Path, programs: EarlierPrograms, name: str, *arguments: str | Path, text: str = "") -> None:
    with tempfile.TemporaryFile() as output:
        command: list[str | Path] = [programs.folder / name, *arguments]
        failed = account_for_home(home).run(command, output=output.fileno(), text_input=text)
        output.seek(0)
        assert not failed, output.read().decode()
