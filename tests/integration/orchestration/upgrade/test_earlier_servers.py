"""The data of an earlier major version of PostgreSQL, moved to ours by ``fleetwatt upgrade``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.earlier_data import DEVICES, fill
from tests.earlier_schema import bring_to
from tests.earlier_server import earlier_server
from tests.integration.orchestration.conftest import Fleetwatt
from tests.open_folder import open_folder
from warehouse.backup.target import BackupTarget
from warehouse.contract.errors import ServerStartError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.cluster import MAJOR_VERSION, version_of
from warehouse.postgres.embedded.earlier_programs import find_earlier
from warehouse.postgres.embedded.major_upgrade import BEFORE
from warehouse.postgres.schema_version import find_revision, head_revision

REVISION = "0012"


def is_there(major: str) -> bool:
    try:
        find_earlier(major, None)
    except ServerStartError:
        return False
    return True


OF_THE_PACKAGE, OF_DEBIAN = "16", "15"


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.mark.long
@pytest.mark.parametrize(
    "major",
    [
        OF_THE_PACKAGE,
        pytest.param(OF_DEBIAN, marks=pytest.mark.skipif(not is_there(OF_DEBIAN), reason="it is not installed")),
    ],
)
def test_it_is_there_with_all_rows_and_the_old_data_beside_it(fleetwatt: Fleetwatt, folder: Path, major: str) -> None:
    home, target = folder / "home", folder / "backups"
    server = earlier_server(home, major)
    url = server.ensure_running()
    bring_to(url, REVISION)
    with connect(url) as connection:
        fill(connection, REVISION)
    server.stop()
    done = fleetwatt("upgrade", target, "--home", home)
    assert done.code == 0, done.err
    assert f"server: PostgreSQL {major}, to be upgraded to {MAJOR_VERSION} by the programs in" in done.err
    assert "no table has fewer rows than before" in done.err
    assert (version_of(home / BEFORE), version_of(home / "postgres")) == (major, MAJOR_VERSION)
    now = EmbeddedPostgres(home)
    try:
        with connect(now.ensure_running()) as connection:
            assert connection.info.server_version // 10_000 == int(MAJOR_VERSION)
            assert find_revision(connection) == head_revision()
            assert connection.execute("SELECT count(*) FROM meter_readings").fetchone() == (2 * 1440 * DEVICES,)
            known = connection.execute(
                "SELECT count(*) FROM pg_stats WHERE tablename LIKE 'meter_readings_%'"
            ).fetchone()
            assert known is not None
            assert known[0] > 0, "the planner would guess"
    finally:
        now.stop()
    (backup,) = BackupTarget(target).backups()
    assert backup.base is not None
    assert backup.base.schema == REVISION


def test_the_package_brings_the_programs_of_the_major_version_before() -> None:
    found = find_earlier(OF_THE_PACKAGE, None)
    assert found.major == OF_THE_PACKAGE
    assert (found.folder / "pg_ctl").is_file()
