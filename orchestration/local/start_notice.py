"""What ``fleetwatt up`` says once everything runs: where it is, and what is yet to be done."""

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from warehouse.env_file import old_setting_remark
from warehouse.listening import asks_for_tokens, warning
from warehouse.postgres.access.token_store import FIRST_TOKEN
from warehouse.postgres.access.user_store import FIRST_USER
from warehouse.settings import FleetSettings


@dataclass(frozen=True)
class StartNotice:
    """What has been started. ``url``: the API's; ``dagster_url``: ``None`` where it was not started."""

    settings: FleetSettings
    url: str
    seconds: float
    """How long the start took."""
    dagster_url: str | None
    down: Sequence[str]
    """The parts that are started again and again."""
    asked_vehicle: str | None
    """A simulated vehicle of which something is known."""
    has_tokens: bool
    """Somebody outside has a token."""

    def lines(self) -> Iterator[str]:
        """The lines, what matters most first."""
        home = shlex.join(["--home", str(self.settings.home.resolve())])
        command = shlex.join(["fleetwatt" if shutil.which("fleetwatt") else sys.argv[0]])
        asks = asks_for_tokens(self.settings.auth, self.settings.host)
        logs = self.settings.home.resolve() / "logs"
        yield ""
        yield f"Fleetwatt is up after {self.seconds:.1f} s."
        yield f"  fleet      {self.url}/"
        yield f"  API        {self.url}"
        yield f"  docs       {self.url}/docs"
        yield f"  Dagster    {self.dagster_url or f'not started; closed days wait for: {command} run-day {home} DAY'}"
        if self.down:
            yield f"  not up     {', '.join(self.down)}: started again and again; the logs say why"
        yield f"  data       {'the database of FLEET_DATABASE_URL' if self.settings.names_a_database else logs.parent}"
        yield f"  logs       {logs}"
        if self.asked_vehicle:
            header = "-H 'Authorization: Bearer flt_...' " if asks else ""
            yield f"  ask        curl {header}{self.url}/v1/analytics/performance/{self.asked_vehicle}"
        yield f"  overview   {command} status {home}"
        if asks and not self.has_tokens:
            yield f"  no token   every request is answered 401; make the first: {FIRST_TOKEN} {home}"
            yield f"             and who signs in at the pages: {FIRST_USER} {home}"
        for said in (warning("the API", self.settings.host, asks=asks), old_setting_remark()):
            if said:
                yield said
        yield "Ctrl-C stops everything."
        yield ""
