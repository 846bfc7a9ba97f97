"""Which processes are the server on a data directory: told by the processes themselves, never by the pid file alone.

After ``kill -9`` the pid file stays behind; its number may be nobody's, or by now that of an unrelated program.
"""

import re
import signal
import time
from pathlib import Path

import psutil

from warehouse.contract.errors import ServerStartError

PID_FILE = "postmaster.pid"
_POLL_SECONDS = 0.02

# What orphans of a killed server get, and for how long we then watch. They notice by themselves within milliseconds
# unless they compute; SIGQUIT is what the server itself sends its children after a crash. Even SIGKILL costs no
# data: their shared memory is lost anyway, and the next start recovers from the write-ahead log.
_ENDING: tuple[tuple[signal.Signals | None, float], ...] = ((None, 1.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def postmaster(data: Path) -> psutil.Process | None:
    """The server's main process, if the one named in the pid file lives and works on this directory."""
    pid = _recorded_pid(data)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if _works_on(process, data) else None


def recorded_port(data: Path) -> int | None:
    """The TCP port in the pid file; None: there is no file, or the server has not written so far yet."""
    lines = _pid_file_lines(data)
    return int(lines[3]) if len(lines) > 3 and lines[3].isdecimal() else None


def end_orphans(data: Path) -> None:
    """End the children that a killed server left behind: two generations on one directory would ruin it.

    Processes that have a living postmaster are no orphans and stay.

    Raises:
        ServerStartError: some would not go.
    """
    orphans = _orphans(data)
    for number, patience_seconds in _ENDING:
        for process in orphans if number else []:
            try:
                process.send_signal(number or 0)
            except psutil.NoSuchProcess:
                continue
        give_up = time.monotonic() + patience_seconds
        while orphans and time.monotonic() < give_up:
            time.sleep(_POLL_SECONDS)
            orphans = _orphans(data)
        if not orphans:
            return
    raise ServerStartError(
        f"Processes of an earlier server still work on {data} and do not end: "
        f"{', '.join(str(process.pid) for process in orphans)}. End them, then start again."
    )


def remove_stale_locks(data: Path) -> None:
    """Remove what PostgreSQL would take for a living server's: its pid file, its socket; call it after ``end_orphans``.

    The socket lies in the data directory, so without a server there nobody listens on it. A pid file whose process is
    gone stays: PostgreSQL replaces it itself and first looks whether anybody is still attached to the shared memory it
    names. One that names a living stranger, a zombie, or nothing legible, it refuses.
    """
    pid = _recorded_pid(data)
    if postmaster(data) is not None:
        return
    if pid is None or psutil.pid_exists(pid):
        (data / PID_FILE).unlink(missing_ok=True)
    for left_behind in data.glob(".s.PGSQL.*"):
        left_behind.unlink(missing_ok=True)


def _orphans(data: Path) -> list[psutil.Process]:
    """Every process of a PostgreSQL that works on this directory without a postmaster."""
    found = [process for process in psutil.process_iter() if _works_on(process, data)]
    # Asked last: of a server that another starter launched just now, the pid file may only have come meanwhile.
    return found if postmaster(data) is None else []


def _works_on(process: psutil.Process, data: Path) -> bool:
    """Is this a living postgres on this directory? All processes of a server have it as their working directory."""
    try:
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return Path(process.cwd()).samefile(data)
    except psutil.AccessDenied:
        # Root in a container often lacks the capability to see this of other users' processes. The command line is
        # open to all; it names the directory of the main process only.
        return _is_started_on(process, data)
    except (psutil.NoSuchProcess, OSError):
        return False


def _is_started_on(process: psutil.Process, data: Path) -> bool:
    """Does the command line name this directory?"""
    try:
        return str(data) in process.cmdline()
    except psutil.Error:
        return False


def _recorded_pid(data: Path) -> int | None:
    """The pid file's process id; None: no file, or nothing legible in it."""
    lines = _pid_file_lines(data)
    # A server in single-user mode writes its number negative. Ten digits: more than any system gives out.
    digits = lines[0].strip().removeprefix("-")[:10] if lines else ""
    return int(digits) if digits.isdecimal() and 0 < int(digits) < 2**31 else None


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / PID_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def last_port(data: Path) -> int | None:
    """The port that the server was last started on, by the options it noted; None before its first start."""
    try:
        noted = (data / "postmaster.opts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"--port=(\d+)", noted)
    return int(found[1]) if found else None
