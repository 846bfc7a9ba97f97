"""How many files and sockets this process may have open, and how many of them connections may take."""

import resource

RESERVED = 128
"""For everything else: connections to the database (``server_fitness.API_WORKER_CONNECTIONS``, and as many that are
being replaced), the listening socket, logs, files of metrics; and for connections that are over the limit, until they
are told so."""
FEWEST_CONNECTIONS = 16


def raise_limit() -> None:
    """Allow this process, and those that it starts, as many as the system lets it have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):  # macOS says "infinite", and takes no more than this
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 10_240)), hard))


def room_for_connections() -> int:
    """How many connections may be open at a time."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 2**31
    return max(FEWEST_CONNECTIONS, soft - RESERVED)
