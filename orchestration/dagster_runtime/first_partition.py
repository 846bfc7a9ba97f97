"""Where Dagster's partitions begin: at the first day that has readings.

Dagster fixes that when it loads the code. So the day is noted in a file of Dagster's home, which the code reads while
it is loaded; a reading of an earlier day moves it back, and the code is loaded again.
"""

from datetime import date
from pathlib import Path

import grpc

from warehouse.contract.errors import FleetwattError, HomeError
from warehouse.settings import FleetSettings

RELOADED_WITHIN_S = 90.0


class ReloadError(FleetwattError):
    """Dagster's code could not be loaded again"""

    code = "dagster_reload"


def first_partition(settings: FleetSettings) -> date:
    """The day that was noted; where none was, the first one that the warehouse may know.

    Raises:
        HomeError: the file holds no day.
    """
    file = _file(settings)
    try:
        noted = date.fromisoformat(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return settings.first_day
    except ValueError as error:
        raise HomeError(f"{file} should hold a day; remove it, the next start writes it ({error})") from error
    return max(noted, settings.first_day)


def note_first_partition(settings: FleetSettings, day: date) -> None:
    """Have the partitions begin with this day when the code is loaded next."""
    file = _file(settings)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(f"{day}\n", encoding="ascii")
    unfinished.replace(file)


def reload_code(socket: Path) -> None:
    """Have the code server that listens here load the code again, in a process of its own; the others hear of it.

    Raises:
        ReloadError: it does not answer, or the code cannot be loaded.
    """
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        # An empty message. Dagster's own client would load Dagster into the supervisor.
        reload: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/api.DagsterApi/ReloadCode")
        try:
            reload(b"", timeout=RELOADED_WITHIN_S)
        except grpc.RpcError as error:
            raise ReloadError(str(error)) from error


def _file(settings: FleetSettings) -> Path:
    return settings.home.resolve() / "dagster" / "first-partition"
