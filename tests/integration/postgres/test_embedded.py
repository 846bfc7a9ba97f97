"""The embedded server on real folders with real processes, through kills, strangers' pid files and closed folders."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from tests.open_folder import open_folder
from warehouse.contract.errors import HomeError, ServerStartError
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import ServerAccount, account_for
from warehouse.postgres.embedded.cluster import PASSWORD_FILE, ROLE_PASSWORD_FILE

AS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="needs root: it is about root and another account")
REPOSITORY = Path(__file__).resolve().parents[3]

ENSURE_RUNNING = """
import sys
from pathlib import Path
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.embedded import EmbeddedPostgres
try:
    sys.stdout.write(EmbeddedPostgres(Path(sys.argv[1])).ensure_running())
except FleetwattError as error:
    sys.exit(f"{type(error).__name__}: {error.detail}")
"""

PATIENCE_S = 120.0
"""On a busy machine."""
MakeServer = Callable[[Path], EmbeddedPostgres]


def processes_of(server: EmbeddedPostgres) -> list[psutil.Process]:
    """The server's processes, found by their working directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(server.data):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_everything(server: EmbeddedPostgres) -> None:
    """What a power cut does to the processes."""
    for process in processes_of(server):
        with suppress(psutil.NoSuchProcess):  # that of a connection that was just closed
            process.kill()


def has_ended(process: psutil.Process) -> bool:
    """Whether it has; one that nobody has collected yet has, too."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def wait_for(is_so: Callable[[], bool]) -> None:
    """Returns as soon as this is so."""
    give_up = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up, "it never was"
        time.sleep(0.005)


def state_of_session(server: EmbeddedPostgres, pid: int) -> str | None:
    """What a session is doing."""
    with psycopg.connect(server.upkeep_url()) as connection:
        row = connection.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
    return row[0] if row else None


def main_process(server: EmbeddedPostgres) -> psutil.Process:
    """The postmaster."""
    return psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))


def has_socket(server: EmbeddedPostgres) -> bool:
    """Does it listen on a Unix socket in its data directory?"""
    return any(path.is_socket() for path in server.data.glob(".s.PGSQL.*"))


def write_rows(url: str, count: int = 1) -> None:
    """Commit some rows."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id bigint)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, %s)", [count])


def count_rows(url: str) -> int:
    """How many rows were kept."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def setting(url: str, name: str) -> str:
    """One of the server's settings."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are closed to all but their owner."""
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def make_server(folder: Path) -> Iterator[MakeServer]:
    """Servers by their home; no process of theirs outlives the tests."""
    made: list[EmbeddedPostgres] = []

    def make(home: Path) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(home, start_seconds=30))
        return made[-1]

    yield make
    for server in made:
        if (server.data / "postmaster.pid").exists():
            kill_everything(server)


@pytest.fixture(scope="module")
def kept_server(make_server: MakeServer, folder: Path) -> EmbeddedPostgres:
    """One home for all tests that leave its data whole."""
    return make_server(folder / "kept")


@pytest.fixture
def server(kept_server: EmbeddedPostgres) -> EmbeddedPostgres:
    """The same, running."""
    kept_server.ensure_running()
    return kept_server


# --- a life without accidents ---------------------------------------------------------------------------------------


def test_a_new_home_gets_a_server_with_our_settings(make_server: MakeServer, folder: Path) -> None:
    server = make_server(folder / "with spaces, $HOME" / "and 'quotes\"")
    assert server.running_url() is None
    assert not server.home.exists(), "asking changes nothing"
    url = server.ensure_running()
    assert url.startswith("postgresql://fleetwatt:")
    assert url.endswith("/fleetwatt")
    expected = {
        "server_encoding": "UTF8",
        "listen_addresses": "127.0.0.1",
        "shared_buffers": "256MB",
        "max_connections": "200",
        "max_locks_per_transaction": "256",
        "max_wal_size": "2GB",
        "jit": "off",
        "TimeZone": "UTC",
        "log_timezone": "UTC",
        "autovacuum_naptime": "15s",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
    }
    assert {name: setting(url, name) for name in expected} == expected
    assert setting(url, "server_version").startswith("18")
    assert setting(url, "wal_compression") != "off"
    assert not (server.home / "postgres.new").exists()
    assert has_socket(server)
    kill_everything(server)
    assert server.ensure_running() == server.running_url()
    server.stop()


@pytest.mark.parametrize("name", [PASSWORD_FILE, ROLE_PASSWORD_FILE])
def test_a_password_is_asked_for_and_kept_from_others(server: EmbeddedPostgres, name: str) -> None:
    url = server.upkeep_url() if name == PASSWORD_FILE else server.ensure_running()
    password = server.data / name
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert password.stat().st_uid == server.data.stat().st_uid
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(url.replace(password.read_text(), "guessed"))


def test_a_lost_password_of_the_role_is_replaced(server: EmbeddedPostgres) -> None:
    lost = server.ensure_running()
    (server.data / ROLE_PASSWORD_FILE).unlink()
    assert server.running_url() is None
    url = server.ensure_running()
    assert url == server.running_url() != lost


def test_a_running_server_is_found_again(server: EmbeddedPostgres) -> None:
    before = main_process(server)
    assert EmbeddedPostgres(server.home).ensure_running() == server.running_url()
    assert main_process(server) == before


def test_stop_and_start_keep_the_data_and_the_log(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()
    write_rows(url, 3)
    rows = count_rows(url)
    server.stop()
    assert server.running_url() is None
    assert processes_of(server) == []
    server.stop()
    logged = server.log.read_bytes()
    assert server.ensure_running() == url, "clients find the restarted server on its old port"
    assert count_rows(url) == rows
    assert server.log.read_bytes().startswith(logged)
    assert len(server.log.read_bytes()) > len(logged)


def test_a_port_that_was_taken_meanwhile_is_left_to_whoever_has_it(server: EmbeddedPostgres) -> None:
    port = urlsplit(server.ensure_running()).port
    server.stop()
    with socket.create_server(("127.0.0.1", port or 0)):
        assert urlsplit(server.ensure_running()).port != port


def test_the_server_has_a_session_of_its_own(server: EmbeddedPostgres) -> None:
    main = main_process(server)
    assert os.getsid(main.pid) != os.getsid(0)
    assert os.getpgid(main.pid) != os.getpgid(0)
    assert main.terminal() is None


def test_a_starter_that_ends_leaves_the_server_and_no_open_pipe(server: EmbeddedPostgres) -> None:
    server.stop()
    command = [sys.executable, "-c", ENSURE_RUNNING, str(server.home)]
    # Reading to the end of both pipes: with one of them open in the server this would only end by its timeout.
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=PATIENCE_S, check=True)
    assert done.stdout == server.running_url()


def test_of_many_that_start_at_once_one_starts_it(make_server: MakeServer, folder: Path) -> None:
    server = make_server(folder.joinpath(*["far too long a path for a socket"] * 10))
    urls: list[str] = []
    starters = [threading.Thread(target=lambda: urls.append(server.ensure_running())) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert urls == [server.running_url()] * 4
    assert not has_socket(server)
    kill_everything(server)
    assert server.ensure_running() == server.running_url()
    server.stop()


# --- after accidents ------------------------------------------------------------------------------------------------


def test_everything_killed_starts_again_at_once(server: EmbeddedPostgres) -> None:
    write_rows(server.ensure_running())
    rows = count_rows(server.ensure_running())
    for _ in range(3):
        write_rows(server.ensure_running())  # committed a moment before
        rows += 1
        kill_everything(server)
        assert count_rows(server.ensure_running()) == rows


def test_only_the_postmaster_killed_starts_again_at_once(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()
    write_rows(url)
    rows = count_rows(url)
    for _ in range(4):
        main_process(server).kill()
        url = server.ensure_running()
        assert count_rows(url) == rows


def test_an_orphan_that_still_computes_is_ended(server: EmbeddedPostgres) -> None:
    busy = psycopg.connect(server.ensure_running())
    try:
        orphan = psutil.Process(busy.info.backend_pid)
        # Sent without waiting: a running query does not look whether its postmaster still lives.
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        wait_for(lambda: state_of_session(server, orphan.pid) == "active")
        main = main_process(server)
        main.kill()
        wait_for(lambda: has_ended(main))
        time.sleep(0.2)  # in which one that looked would have seen it
        assert not has_ended(orphan), "else this test shows nothing"
        server.ensure_running()
        assert has_ended(orphan)
    finally:
        busy.close()


@pytest.mark.parametrize("whose", ["stranger", "zombie", "nobody", "illegible", "empty"])
def test_a_stale_pid_file_is_no_server(server: EmbeddedPostgres, whose: str) -> None:
    write_rows(server.ensure_running())
    rows = count_rows(server.ensure_running())
    account = account_for(server.data)
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill_everything(server)
    seconds = "60" if whose == "stranger" else "0"
    # PostgreSQL itself only takes a process of its own account for its predecessor.
    with subprocess.Popen(["sleep", seconds], user=account.uid if AS_ROOT else None) as other:
        if whose == "nobody":
            other.wait()
        elif whose == "zombie":
            os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # its end, which is left for others to see
            assert psutil.Process(other.pid).status() == psutil.STATUS_ZOMBIE
        text = {"illegible": "half a l", "empty": ""}.get(whose, "\n".join([str(other.pid), *lines[1:], ""]))
        pid_file.write_text(text)
        assert server.running_url() is None
        assert count_rows(server.ensure_running()) == rows
        assert main_process(server).name() == "postgres"
        if whose == "stranger":
            assert other.poll() is None, "the stranger was left alone"
            other.kill()


def test_stop_leaves_a_stranger_alone(server: EmbeddedPostgres) -> None:
    server.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (server.data / "postmaster.pid").write_text(f"{stranger.pid}\n{server.data}\n0\n5432\n")
        server.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_a_start_killed_in_the_middle_of_initdb_starts_over(make_server: MakeServer, folder: Path) -> None:
    server = make_server(folder / "half-made")
    aside = server.home / "postgres.new"
    with subprocess.Popen([sys.executable, "-c", ENSURE_RUNNING, str(server.home)], cwd=REPOSITORY) as starter:
        wait_for((aside / "data" / "base").exists)
        starter.kill()
    assert not server.data.exists()
    first_password = (aside / PASSWORD_FILE).read_text()
    write_rows(server.ensure_running())  # while the orphaned initdb may still be at work
    assert (server.data / PASSWORD_FILE).read_text() != first_password
    assert not aside.exists()
    server.stop()
    aside.mkdir()
    assert count_rows(server.ensure_running()) == 1, "what lies aside never costs a complete cluster"
    server.stop()


def test_a_start_that_fails_shows_the_log_and_what_to_do(server: EmbeddedPostgres) -> None:
    server.stop()
    configuration = server.data / "postgresql.conf"
    whole = configuration.read_text()
    configuration.write_text(whole + "\nnonsense everywhere\n")
    try:
        with pytest.raises(ServerStartError) as failure:
            server.ensure_running()
    finally:
        configuration.write_text(whole)
    assert 'unrecognized configuration parameter "nonsense"' in failure.value.detail
    assert str(server.log) in failure.value.detail
    assert "FLEET_DATABASE_URL" in failure.value.detail
    assert server.ensure_running() == server.running_url()


@pytest.mark.long
def test_a_server_that_does_not_answer_is_waited_for_and_named(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = main_process(server)
    frozen.send_signal(signal.SIGSTOP)
    try:
        with monkeypatch.context() as soon, pytest.raises(ServerStartError, match=r"accepts no connection .*timeout"):
            soon.setattr("warehouse.postgres.embedded.urls._CONNECT_SECONDS", 1)
            EmbeddedPostgres(server.home, start_seconds=0.5).ensure_running()
    finally:
        frozen.send_signal(signal.SIGCONT)
    assert server.ensure_running()
    assert main_process(server) == frozen


def test_a_changed_password_is_told_at_once(server: EmbeddedPostgres) -> None:
    server.stop()
    password = server.data / PASSWORD_FILE
    right = password.read_text()
    password.write_text("wrong")
    try:
        with pytest.raises(ServerStartError, match="authentication failed"):
            server.ensure_running()
        password.unlink()
        server.stop()
        with pytest.raises(HomeError, match="password"):
            server.ensure_running()
    finally:
        password.write_text(right)
        password.chmod(0o600)
        account_for(server.data).own(password)


# --- homes that cannot be used --------------------------------------------------------------------------------------


def test_a_data_directory_of_another_major_version_is_refused(server: EmbeddedPostgres) -> None:
    server.stop()
    version = server.data / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(HomeError, match=r"made by PostgreSQL 17, .* brings PostgreSQL 18"):
            server.ensure_running()
    finally:
        version.write_text("18\n")


def test_a_folder_of_something_else_is_left_alone(make_server: MakeServer, folder: Path) -> None:
    server = make_server(folder / "something-else")
    server.data.mkdir(parents=True)
    precious = server.data / "precious"
    precious.touch()
    if AS_ROOT:
        os.chown(server.data, 65534, 65534)
    with pytest.raises(HomeError, match="no PostgreSQL cluster"):
        server.ensure_running()
    assert precious.exists()


def test_a_file_instead_of_a_home_is_told(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(HomeError, match="cannot be"):
        EmbeddedPostgres(folder / "file").ensure_running()


# --- root, other accounts -------------------------------------------------------------------------------------------


@only_root
def test_root_runs_it_under_an_account_that_owns_only_its_own_files(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    account = account_for(server.data)
    assert account.uid != 0
    assert main_process(server).uids() == (account.uid,) * 3
    assert 0 not in (main_process(server).gids().real, server.data.stat().st_uid)
    assert server.home.stat().st_uid == 0
    assert server.log.stat().st_uid == account.uid


@only_root
@pytest.mark.parametrize("closed_name", ["closed", "closed/inner"])
def test_root_refuses_a_home_that_the_account_cannot_enter(folder: Path, closed_name: str) -> None:
    closed = folder / closed_name
    closed.mkdir(parents=True, exist_ok=True)
    closed.chmod(0o700)
    if closed.parent != folder:
        closed.parent.chmod(0o755)
    with pytest.raises(HomeError) as refusal:
        EmbeddedPostgres(closed / "below" / "home").ensure_running()
    for text in (f"may not enter {closed},", "--home", "ordinary user", "FLEET_DATABASE_URL"):
        assert text in refusal.value.detail
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not (closed / "below").exists()


@only_root
def test_root_refuses_binaries_that_the_account_cannot_enter(folder: Path) -> None:
    closed = folder / "closed-binaries"
    (closed / "bin").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(HomeError, match=f"may not enter {closed},.* install Fleetwatt in a folder"):
        account_for(folder / "none").check_enters(folder / "home", closed / "bin")


@only_root
def test_root_with_a_strict_umask_opens_only_the_folders_it_makes(make_server: MakeServer, folder: Path) -> None:
    server = make_server(folder / "strict" / "home")
    before = os.umask(0o077)
    try:
        server.ensure_running()
    finally:
        os.umask(before)
    assert stat.S_IMODE(server.home.stat().st_mode) == 0o701
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    server.stop()


@only_root
def test_root_without_the_right_to_look_into_processes(server: EmbeddedPostgres) -> None:
    """Root in a container mostly cannot see the working directory of other users' processes."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv of util-linux is not installed")
    server.stop()
    limited = ["setpriv", "--bounding-set=-sys_ptrace", sys.executable, "-c", ENSURE_RUNNING, str(server.home)]
    urls = []
    for accident in (False, False, True):
        if accident:
            main_process(server).kill()
        done = subprocess.run(limited, capture_output=True, text=True, cwd=REPOSITORY, timeout=PATIENCE_S, check=True)
        urls.append(done.stdout)
    assert urls[0] == urls[1]
    assert urls[2] == server.running_url()


def python_for(account: ServerAccount) -> list[str]:
    """A command that runs Python with our packages as this account; the virtualenv's may lie where it cannot go."""
    found = next(Path(place) for place in sys.path if place.endswith("site-packages"))
    environment = ["env", f"PYTHONPATH={REPOSITORY}:{found}", "PYTHONDONTWRITEBYTECODE=1"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for interpreter in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        command = [*environment, interpreter]
        probe = [*command, "-c", "import psutil, psycopg, warehouse.postgres.embedded"]
        if run_as(account, probe).returncode == 0:
            return command
    pytest.skip(f"'{account.name}' can enter neither {sys.executable} nor a {version} of the system with our packages")


def run_as(account: ServerAccount, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command as an ordinary user, from root."""
    return subprocess.run(
        command,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def ordinary() -> ServerAccount:
    """An ordinary user that is not the one under which root runs the server."""
    entry = pwd.getpwnam("nobody")
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


@only_root
def test_an_ordinary_user_runs_it_as_oneself_and_root_goes_on_with_it(
    make_server: MakeServer, folder: Path, ordinary: ServerAccount
) -> None:
    python = python_for(ordinary)
    server = make_server(folder / "ordinary" / "home")
    server.home.parent.mkdir()
    ordinary.own(server.home.parent)
    command = [*python, "-c", ENSURE_RUNNING, str(server.home)]
    started = run_as(ordinary, command)
    assert started.returncode == 0, started.stderr
    assert main_process(server).uids().real == ordinary.uid
    assert server.ensure_running() == started.stdout
    server.stop()
    server.ensure_running()
    assert main_process(server).uids().real == ordinary.uid, "root goes on as the data directory's owner"
    server.stop()
    again = run_as(ordinary, command)
    assert again.returncode == 0, again.stderr
    server.stop()


@only_root
def test_an_ordinary_user_is_told_that_a_home_is_roots(
    make_server: MakeServer, folder: Path, ordinary: ServerAccount
) -> None:
    python = python_for(ordinary)
    server = make_server(folder / "roots")
    server.home.mkdir()
    command = [*python, "-c", ENSURE_RUNNING, str(server.home)]
    empty = run_as(ordinary, command)
    assert "HomeError" in empty.stderr
    assert f"{server.home}/postgres.lock cannot be used (Permission denied; it may belong" in empty.stderr
    server.data.mkdir()
    made = run_as(ordinary, command)
    assert "HomeError" in made.stderr
    assert "belongs to 'root' and you are 'nobody'" in made.stderr
    with pytest.raises(HomeError, match="belongs to root"):
        server.ensure_running()
