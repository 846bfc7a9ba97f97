"""Dagster's UI of a running ``fleetwatt up``: what its own pages may do, and what its processes know."""

import asyncio
import json
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from websockets.asyncio.client import connect

import dbt_like_sql
from tests.e2e.conftest import PATIENCE_S, MakeHome, Platform, eventually, processes_of, run, traits
from warehouse.contract.partitions import utc_day

pytestmark = pytest.mark.long
TOKEN = "canary-of-the-admin-token-0123456789"  # noqa: S105 - made for this test
READ_DSN = "postgresql://reader:canary-of-the-read-dsn@127.0.0.1:1/fleetwatt"
SECRETS = {"FLEET_ADMIN_TOKEN": TOKEN, "FLEET_READ_DSN": READ_DSN}

LAUNCH = """mutation ($config: RunConfigData) {
  launchRun(executionParams: {mode: "default", runConfigData: $config, selector: {
    pipelineName: "maintenance", repositoryName: "__repository__", repositoryLocationName: "fleetwatt"}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
PARTITIONS = "{ assetNodes { partitionKeysByDimension { partitionKeys } } }"
STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
LOGS = """subscription ($run: ID!) { pipelineRunLogs(runId: $run) {
  ... on PipelineRunLogsSubscriptionSuccess { messages { ... on MessageEvent { message } } } } }"""


SLOW_TO_LOAD = """
import sys, time
if "grpc" in sys.argv:  # the process that loads the code for the others
    time.sleep(4)
"""
MISSPELT = "marts/low_efficiency_days.sql:18: daily_vehicle_eficiency does not exist"


class Begun(NamedTuple):
    """A platform that began with a model that is read late and cannot be read, until somebody put that right."""

    platform: Platform
    alert: str
    answered: bool
    told_by_the_ui: str | None
    """As soon as it was up."""
    status: int
    """The exit code of ``fleetwatt status``."""


@pytest.fixture(scope="module")
def begun(make_home: MakeHome) -> Iterator[Begun]:
    home = make_home()
    code = home.parent / "code"
    package = shutil.copytree(Path(dbt_like_sql.__file__).parent, code / "dbt_like_sql")
    model = package / "models" / "marts" / "low_efficiency_days.sql"
    right = model.read_text()
    with (package / "__init__.py").open("a") as loaded:
        loaded.write(SLOW_TO_LOAD)
    model.write_text(right.replace("FROM daily_vehicle_efficiency", "FROM daily_vehicle_eficiency"))
    (home.parent / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in SECRETS.items()))
    temporary = home.parent / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    home.parent.chmod(0o755)
    environment = {"TMPDIR": str(temporary), "PYTHONPATH": str(code)}
    with Platform(home, "--no-demo", environment=environment) as platform:
        alert = platform.wait_for("ALERT: Dagster has nothing to run, because the models cannot be read: ")
        platform.wait_until_up()
        told_by_the_ui = platform.error_of_dagsters_code()
        answered = platform.answers()
        status = run("status", "--home", str(home), home=home, PYTHONPATH=str(code)).returncode
        model.write_text(right)
        platform.dagster('mutation {reloadRepositoryLocation(repositoryLocationName: "fleetwatt") {__typename}}')
        yield Begun(platform, alert, answered, told_by_the_ui, status)
        assert platform.stop() == 0


@pytest.fixture
def platform(begun: Begun) -> Platform:
    return begun.platform


def ask(platform: Platform, question: str, **variables: Any) -> httpx.Response:
    ui = platform.told("Dagster")
    asked = {"query": question, "variables": variables}
    return httpx.post(f"{ui}/graphql", json=asked, headers={"Origin": ui}, timeout=PATIENCE_S, trust_env=False)


def launch(platform: Platform, config: dict[str, Any]) -> dict[str, Any]:
    return dict(ask(platform, LAUNCH, config=config).json()["data"]["launchRun"])


def test_models_that_cannot_be_read_are_told_and_the_rest_works(begun: Begun) -> None:
    assert MISSPELT in begun.alert
    assert MISSPELT in str(begun.told_by_the_ui), "the UI says so too"
    assert (begun.answered, begun.status) == (True, 0)
    assert begun.platform.error_of_dagsters_code() is None, "a click on Reload is all it took"


def test_where_no_fleet_is_simulated_no_vehicle_is_named(platform: Platform) -> None:
    assert "curl" not in platform.said


def test_its_pages_start_a_run_and_hear_of_it(platform: Platform) -> None:
    run = launch(platform, {})["run"]["runId"]
    assert eventually(lambda: "SUCCESS" in ask(platform, STATUS, run=run).text)

    async def hear() -> str:
        ui = platform.told("Dagster")
        url = f"{ui.replace('http', 'ws', 1)}/graphql"
        async with connect(url, subprotocols=["graphql-ws"], origin=ui, proxy=None) as socket:  # type: ignore[list-item,arg-type]
            payload = {"query": LOGS, "variables": {"run": run}}
            await socket.send(json.dumps({"type": "start", "id": "1", "payload": payload}))
            return str(await asyncio.wait_for(socket.recv(), PATIENCE_S))

    assert "Finished execution of run" in asyncio.run(hear())


def test_its_partitions_begin_with_the_first_day_that_has_readings(platform: Platform) -> None:
    """Dagster fixes that when it loads the code: an import that goes further back has it loaded again."""

    def first_days() -> set[str]:
        nodes = ask(platform, PARTITIONS).json()["data"]["assetNodes"]
        keys = [by["partitionKeys"] for each in nodes for by in each["partitionKeysByDimension"]]
        return {days[0] for days in keys if ":" not in days[0]}  # an hour is no day

    assert first_days() == {str(utc_day(datetime.now(UTC)) - timedelta(days=7))}, "the oldest that a device may send"
    for day in ("2024-02-29", "2023-12-31"):
        reading = f'{{"meterId": "old", "timestamp": "{day}T12:00:00Z", "kwhConsumedAc": 1, "voltage": 230}}'
        file = platform.home.parent / "old.ndjson"
        file.write_text(f"{reading}\n")
        assert run("import", str(file), "--home", str(platform.home), home=platform.home).returncode == 0
        assert eventually(lambda day=day: first_days() == {day})  # type: ignore[misc]
        assert platform.wait_for(f"Dagster's partitions begin with {day} now")


@pytest.mark.parametrize(
    "config",
    [
        {"resources": {"warehouse": {"config": {"database_url": {"env": "FLEET_ADMIN_TOKEN"}}}}},
        {"resources": {"io_manager": {"config": {"base_dir": {"env": "FLEET_DAGSTER_STORAGE_URL"}}}}},
        {"ops": {"pack_indexes": {"config": {"env": "FLEET_DATABASE_URL"}}}},
    ],
    ids=str,
)
def test_a_run_cannot_be_configured(platform: Platform, config: dict[str, Any]) -> None:
    answer = launch(platform, config)
    assert answer["__typename"] == "RunConfigValidationInvalid"
    assert "canary" not in str(answer)


def test_what_needs_no_page_is_refused(platform: Platform) -> None:
    ui = platform.told("Dagster")
    stop = {"query": 'mutation { stopSensor(id: "x") { __typename } }'}
    assert httpx.get(f"{ui}/graphql", params=stop, trust_env=False).status_code == 405
    assert httpx.get(ui, headers={"Host": "evil.example"}, trust_env=False).status_code == 421
    assert httpx.post(f"{ui}/graphql", json=stop, trust_env=False).status_code == 403
    assert httpx.post(f"{ui}/report_asset_materialization/meters", json={}, trust_env=False).status_code == 405


def test_dagsters_processes_do_not_know_the_secrets_of_the_api(platform: Platform) -> None:
    found: dict[str, set[str]] = {}
    for process in processes_of(platform.home):
        for name in {"ingest_api", "dagster", "dagster._daemon", "orchestration.dagster_ui"} & set(traits(process)):
            environment = process.environ()
            assert not (Path(process.cwd()) / ".env").exists(), "Dagster would load it"
            if name == "ingest_api":
                assert environment["FLEET_HOME"] == str(platform.home)
            found.setdefault(name, set()).update(each for each, value in environment.items() if "canary" in value)
            assert ("FLEET_DATABASE_URL" in environment) == (name in {"ingest_api", "dagster"})
            assert ("FLEET_DAGSTER_STORAGE_URL" in environment) == (name != "ingest_api")
    nothing = set[str]()
    assert found == {
        "ingest_api": set(SECRETS),
        "dagster": nothing,
        "dagster._daemon": nothing,
        "orchestration.dagster_ui": nothing,
    }


def test_its_sockets_lie_in_a_folder_of_ours(platform: Platform) -> None:
    """Where they are of no harm when processes are killed, which leave theirs behind."""
    temporary = platform.home.parent / "tmp"
    sockets = {path for path in temporary.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)}
    assert len(sockets) >= 2  # the code server's, and that of the process that has our code loaded
    assert temporary not in {path.parent for path in sockets}
    assert len({path.relative_to(temporary).parts[0] for path in sockets}) == 1


def test_where_it_only_shows_nothing_is_started(make_home: MakeHome) -> None:
    with Platform(make_home(), "--no-demo", environment={"FLEET_DAGSTER_READ_ONLY": "true"}) as platform:
        platform.wait_until_up()
        assert ask(platform, LAUNCH, config={}).status_code == 403
        assert ask(platform, "{version}").status_code == 200
        assert platform.stop() == 0
