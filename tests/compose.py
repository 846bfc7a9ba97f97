"""``docker-compose.yml`` and what it builds on, as the tests of it read them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # comes with Dagster; not worth a package of its types

ROOT = Path(__file__).parents[1]
OURS = ("migrate", "api", "dagster")
"""The services that run the one image of ours."""


def compose(**shell: str) -> Any:
    """The file as Compose reads it in a shell with these variables."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: shell.get(found[1]) or found[2], text))


def environment(service: Mapping[str, Any], **shell: str) -> dict[str, str]:
    """The variables that Compose gives to a service: those without a value come from the shell, or not at all."""
    given = {name: shell.get(name) if value is None else value for name, value in service["environment"].items()}
    return {name: str(value) for name, value in given.items() if value is not None}


def instructions(name: str) -> list[list[str]]:
    """The words behind each instruction of this name in the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split()[1:] for line in text.splitlines() if line.startswith(f"{name} ")]


def image_environment() -> dict[str, str]:
    """The variables of the finished image, but for its PATH."""
    assignments = (assignment.split("=", 1) for assignment in instructions("ENV")[-1])
    return {name: value for name, value in assignments if name != "PATH"}


def copied() -> list[str]:
    """What the image is built from: files and folders beside the Dockerfile."""
    return [source for words in instructions("COPY") if "--from=build" not in words for source in words[:-1]]


def let_in() -> set[str]:
    """What ``.dockerignore`` lets in."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("!").rstrip(os.sep) for line in lines if line.startswith("!")}
