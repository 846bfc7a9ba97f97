"""``.env.example`` lists the settings: all of them, nothing else, each with its default."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from warehouse.settings import FleetSettings

ROOT = Path(__file__).parents[2]
PACKAGES = ("ingest_api", "warehouse", "orchestration")


def settings_classes() -> Iterator[type[FleetSettings]]:
    """Every class of settings in the packages."""
    for package in PACKAGES:
        for path in (ROOT / package).glob("**/*.py"):
            if re.search(r"^class \w+\(\w*Settings\):", path.read_text(encoding="utf-8"), re.M):
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                for value in vars(module).values():
                    if isinstance(value, type) and issubclass(value, FleetSettings):
                        yield value


def settings() -> dict[str, Any]:
    """Each setting's variable and its default."""
    return {
        f"FLEET_{name.upper()}": field.get_default()
        for each in set(settings_classes())
        for name, field in each.model_fields.items()
    }


@pytest.fixture(scope="module")
def example() -> list[tuple[str, str]]:
    """The variables of the example and their values, in its order."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return re.findall(r"^# (FLEET_[A-Z0-9_]+)=(.*)$", text, re.M)


def test_lists_exactly_the_settings_each_once(example: list[tuple[str, str]]) -> None:
    names = [name for name, _ in example]
    assert len(names) == len(set(names))
    assert set(names) == settings().keys()


def test_shows_each_default(example: list[tuple[str, str]]) -> None:
    def shown(default: object) -> str:
        if default is None:
            return ""
        if isinstance(default, SecretStr):
            return default.get_secret_value()
        return json.dumps(default) if isinstance(default, bool) else str(default)

    assert dict(example) == {name: shown(default) for name, default in settings().items()}


def test_sets_nothing_until_it_is_edited() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.strip() and not line.startswith("# ")] == []


def test_every_setting_says_what_it_is_for() -> None:
    described = {
        f"FLEET_{name.upper()}"
        for each in settings_classes()
        for name, field in each.model_fields.items()
        if field.description
    }
    assert settings().keys() - described == set()
