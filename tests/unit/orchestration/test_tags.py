"""Dagster's tags are written here as Dagster has them."""

import pytest
from dagster._core.storage import tags as dagsters

from orchestration import tags

NAMES = [name for name, value in vars(tags).items() if name.endswith("_TAG") and "dagster/" in value]


def test_there_are_some() -> None:
    assert len(NAMES) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_it_is_dagsters(name: str) -> None:
    assert getattr(tags, name) == getattr(dagsters, name)
