"""Where everybody is asked for a token and there is none yet, the log says how to make the first: once."""

from pathlib import Path

from tests.integration.ingest_api.api_process import api_process
from tests.integration.ingest_api.raw_connection import raw_connection
from tests.integration.ingest_api.site import until
from warehouse.postgres.access.token_store import FIRST_TOKEN
from warehouse.postgres.access.user_store import FIRST_USER

WORKERS = 3


def test_of_several_workers_one_says_how_to_make_the_first_token(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    with api_process(database_url, log=log, auth="required", workers=WORKERS) as api:
        until(lambda: FIRST_TOKEN in log.read_text(), within_s=60)
        until(lambda: log.read_text().count("Application startup complete") == WORKERS, within_s=60)
        with raw_connection(api.port) as raw:  # one that is answered has looked
            raw.send(b"GET /v1/meters HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer flt_none\r\n\r\n")
            assert raw.answer().status == 401
        assert api.stop() == 0
    said = log.read_text()
    assert said.count(FIRST_TOKEN) == 1
    assert FIRST_USER in said
