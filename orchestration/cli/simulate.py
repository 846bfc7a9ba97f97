"""``fleetwatt simulate``: sends a simulated fleet to an API and shows how it goes.

Progress goes to stderr, on a terminal as a bar and a line that renews itself, else as plain lines that a supervisor can
copy. Only the result (``--faults``) goes to stdout.
"""

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx
import msgspec
import typer
from rich.table import Table

from orchestration.cli.options import Home, read_settings
from orchestration.cli.simulate_progress import LineWatcher, TerminalWatcher, counts
from orchestration.cli.terminal import Terminal
from warehouse.contract.readings import InvalidReadingError, parse_timestamp
from warehouse.counted import counted
from warehouse.settings import SecretSettings
from warehouse.simulation.clock import EPOCH
from warehouse.simulation.demo import VEHICLES as DEMO_VEHICLES
from warehouse.simulation.demo import demo_fleet
from warehouse.simulation.faults import DEFAULT_FAULT_SHARE
from warehouse.simulation.fleet import DEFAULT_SEED, Fleet
from warehouse.simulation.ingest_client import RefusedError
from warehouse.simulation.sender import Sender
from warehouse.simulation.truth import KnownFault, lines

MOST_VEHICLES = 100_000
DEFAULT_VEHICLES = 100


def simulate(  # noqa: PLR0913 - each is an option
    *,
    url: Annotated[str, typer.Option(help="The API to send to.")] = "http://127.0.0.1:3000",
    vehicles: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_VEHICLES, help="Vehicles, each with a meter. Default: 100, with --demo 18."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="The fleet that fleetwatt up shows, in which a loss begins every five days.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another fleet.")] = DEFAULT_SEED,
    depot_share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Of the vehicles: fourteen share the ten chargers of a depot. To files only."),
    ] = 0.0,
    fault_share: Annotated[
        float, typer.Option(min=0, max=1, help="Of the vehicles or their chargers: get a fault within a year.")
    ] = DEFAULT_FAULT_SHARE,
    since: Annotated[
        str,
        typer.Option(help="Fill from here on: today (midnight UTC), now (no filling), or an instant with an offset."),
    ] = "now",
    until: Annotated[
        str | None, typer.Option(help="With --write, --truth or --faults: up to this instant. Default: now.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Fill up to now, then stop.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Send nothing: write readings, sessions and faults into this folder.")
    ] = None,
    as_ndjson: Annotated[bool, typer.Option("--ndjson", help="With --write: readings as NDJSON.")] = False,
    truth: Annotated[Path | None, typer.Option(help="Write the faults that are built in to this file.")] = None,
    faults: Annotated[bool, typer.Option("--faults", help="Print the faults that are built in, then stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --faults: as JSON.")] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not look at the API's certificate: for one of another name.")
    ] = False,
    home: Home = None,
) -> None:
    """Send a simulated fleet to an API: each vehicle and each meter once a minute, with faults that are known.

    Ctrl-C stops it. Started again with the same --since it goes on where it was. Where the API asks for a token, it
    sends that of FLEET_TOKEN (or of the secret file fleet_token), else that of FLEET_ADMIN_TOKEN.

    \b
    A fleet with a day behind it, then live:
        fleetwatt simulate --vehicles 100 --since today
    What a search for faults should find in it, or in the fleet of fleetwatt up:
        fleetwatt simulate --vehicles 100 --faults
        fleetwatt simulate --demo --faults
    Today so far in one go, for a test (seven days back is the most an API takes):
        fleetwatt simulate --since today --once
    A month as Parquet, with the sessions as they really were and the faults:
        fleetwatt simulate --write fleet --since 2026-05-01T00:00:00Z --until 2026-06-01T00:00:00Z
    """
    _check_options(faults=faults, as_json=as_json, write=write, as_ndjson=as_ndjson, truth=truth, until=until)
    if demo:
        fleet = demo_fleet(vehicles or DEMO_VEHICLES)
    else:
        fleet = Fleet(vehicles or DEFAULT_VEHICLES, seed, depot_share=depot_share, fault_share=fault_share)
    end = datetime.now(UTC) if until is None else _instant_of(until, "--until")
    if truth is not None:
        _write_or_refuse("--truth", lambda: truth.write_bytes(lines(fleet.faults(end))))
    if faults:
        _print_faults(fleet.faults(end), as_json=as_json)
    elif write is not None:
        start = datetime.fromtimestamp(_since_s(since), UTC)
        _write_or_refuse("--write", lambda: _write_files(fleet, start, end, write, as_ndjson=as_ndjson))
    elif truth is None:
        if depot_share:
            raise typer.BadParameter(
                "goes with --write: at a depot mappings change by the hour", param_hint="--depot-share"
            )
        _check_url(url)
        settings = read_settings(SecretSettings, home=home)
        secret = settings.token or settings.admin_token
        token = secret.get_secret_value() if secret else None
        _send(fleet, url, seed, _since_s(since), once=once, token=token, insecure=insecure)


def _check_options(
    *, faults: bool, as_json: bool, write: Path | None, as_ndjson: bool, truth: Path | None, until: str | None
) -> None:
    if as_json and not faults:
        raise typer.BadParameter("goes with --faults", param_hint="--json")
    if as_ndjson and write is None:
        raise typer.BadParameter("goes with --write", param_hint="--ndjson")
    if until is not None and not (faults or write or truth):
        raise typer.BadParameter("goes with --write, --truth or --faults", param_hint="--until")


def _send(fleet: Fleet, url: str, seed: int, since_s: float, *, once: bool, token: str | None, insecure: bool) -> None:
    console = Terminal(stderr=True, markup=False)
    screen = TerminalWatcher(console) if console.is_terminal else LineWatcher()
    screen.note(f"simulating {counted(fleet.size, 'vehicle')} (seed {seed}) for {url}")
    sender = Sender(fleet, url, since_s, screen, once=once, token=token, insecure=insecure)
    try:
        asyncio.run(_run(sender))
    except RefusedError as refusal:
        screen.alarm(f"refused, giving up: {refusal}")
        raise typer.Exit(1) from refusal
    finally:
        screen.close()
        screen.note(f"in all: {counts(sender.totals)}")
    if once and sender.totals.refused:
        raise typer.Exit(1)


def _write_files(fleet: Fleet, start: datetime, end: datetime, folder: Path, *, as_ndjson: bool) -> None:
    from warehouse.simulation.files import write_ndjson, write_parquet, write_truth  # polars is not needed to send

    if start >= end:
        raise typer.BadParameter(f"{end:%Y-%m-%dT%H:%MZ} is not later than --since", param_hint="--until")
    folder.mkdir(parents=True, exist_ok=True)
    screen = LineWatcher()
    write = write_ndjson if as_ndjson else write_parquet
    written = write(fleet, start, end, folder, screen.writing)
    write_truth(fleet, start, end, folder)
    screen.note(f"{counted(written, 'reading')} in {folder}")


def _write_or_refuse(option: str, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        raise typer.BadParameter(f"cannot be written: {error}", param_hint=option) from error


async def _run(sender: Sender) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        for each in signals:
            loop.remove_signal_handler(each)  # a second Ctrl-C stops at once
        sender.stop()

    for each in signals:
        loop.add_signal_handler(each, stop)
    await sender.run()


def _check_url(url: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise typer.BadParameter(f"{url} is not like http://127.0.0.1:3000", param_hint="--url")


def _since_s(since: str) -> float:
    now = datetime.now(UTC)
    if since == "now":
        return now.timestamp()
    if since == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    instant = _instant_of(since, "--since", "today, now, or an instant")
    if not EPOCH <= instant <= now:
        raise typer.BadParameter(
            f"lies between {EPOCH:%Y-%m-%d}, where the simulated history begins, and now", param_hint="--since"
        )
    return instant.timestamp()


def _instant_of(text: str, option: str, wanted: str = "an instant") -> datetime:
    try:
        return parse_timestamp(text)
    except InvalidReadingError as error:
        raise typer.BadParameter(f"{wanted}: {error.detail}", param_hint=option) from error


def _print_faults(faults: list[KnownFault], *, as_json: bool) -> None:
    if as_json:
        records = [fault.record() for fault in faults]
        typer.echo(msgspec.json.format(msgspec.json.encode(records), indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("DEVICE", "FAULT", "SINCE", "UNTIL", "WHAT IT DOES"):
        table.add_column(heading, overflow="fold")
    for fault in faults:
        until = "" if fault.until is None else f"{fault.until:%Y-%m-%d}"
        table.add_row(fault.device_id, fault.kind.value, f"{fault.since:%Y-%m-%d}", until, fault.detail)
    Terminal(markup=False).print(table)
