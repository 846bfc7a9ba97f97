"""What killed processes leave among the system's temporary files."""

import stat
from pathlib import Path

from tests.e2e.conftest import Platform, eventually, kill_all


def test_killed_processes_leave_no_socket_but_in_our_folder(home: Path) -> None:
    temporary = home.parent / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    home.parent.chmod(0o755)
    with Platform(home, "--no-demo", environment={"TMPDIR": str(temporary)}) as platform:
        platform.wait_until_up()
        assert eventually(lambda: platform.error_of_dagsters_code() is None)
        kill_all(home)
    sockets = {path for path in temporary.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)}
    assert len(sockets) >= 2  # the code server's, and that of the process that has our code loaded
    assert len({path.parent for path in sockets}) == 1
    assert temporary not in {path.parent for path in sockets}
