"""A server process that is as nice as whoever it works for.

A process that steps back for the devices that report has most of its work done by PostgreSQL, whose processes know
nothing of that. Where they are of this machine and ours to change, they step back too.
"""

import os

import psutil


def step_back(backend_pid: int, client_port: int | None) -> None:
    """Give the server process of a TCP connection our own niceness, if that is any.

    By its title it is seen that it is the one: a server of another machine, or of a container, numbers its processes
    otherwise. One that is not, or not ours to change, stays as it is.
    """
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    if niceness <= 0 or client_port is None:
        return
    try:
        backend = psutil.Process(backend_pid)
        title = " ".join(backend.cmdline())
        if title.startswith("postgres: ") and f"({client_port})" in title and backend.nice() < niceness:
            backend.nice(niceness)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return
