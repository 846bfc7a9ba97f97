"""How many connections to PostgreSQL a worker of the API opens: counted in one place, said in several."""

import re
from pathlib import Path

import pytest

from ingest_api.auth.known_tokens import WATCHING_CONNECTIONS
from ingest_api.commit.acting import ACTING_CONNECTIONS
from ingest_api.commit.group_commit import BULK_WRITERS, SMALL_WRITERS
from ingest_api.database import POOL_SIZE
from ingest_api.settings import ApiSettings
from warehouse.postgres.server_fitness import API_WORKER_CONNECTIONS

ROOT = Path(__file__).parents[3]


def test_what_is_opened_is_what_the_server_is_asked_to_have_room_for() -> None:
    others = ACTING_CONNECTIONS + WATCHING_CONNECTIONS
    assert 2 * POOL_SIZE + SMALL_WRITERS + BULK_WRITERS + others == API_WORKER_CONNECTIONS


@pytest.mark.parametrize("page", [".env.example", "docs/deployment.md", None])
def test_it_is_said_as_it_is(page: str | None) -> None:
    text = (ROOT / page).read_text("utf-8") if page else ApiSettings.model_fields["workers"].description or ""
    assert re.findall(r"up to (\d+) connections", text) == [str(API_WORKER_CONNECTIONS)]
