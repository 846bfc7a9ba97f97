"""Decision records: each has a number of its own, says context, decision and consequences, and is in the index."""

import re
from pathlib import Path

import pytest

from tests.markdown import ROOT, Page

FOLDER = ROOT / "docs/adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))


@pytest.mark.parametrize("path", RECORDS, ids=[path.stem for path in RECORDS])
def test_a_record_says_context_decision_and_consequences(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert re.findall(r"^(?:## |\*\*)(Context|Decision|Consequences)\b", text, re.M) == [
        "Context",
        "Decision",
        "Consequences",
    ]
    assert len(text.splitlines()) <= 40, "half a page"


def test_each_number_is_one_record() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert len(numbers) == len(set(numbers))
    assert {f"{number:04}" for number in range(1, 61)} <= set(numbers), "the first sixty were one page once"


def test_the_index_has_each_record_once() -> None:
    links = [link for link in Page(FOLDER / "README.md").links() if re.match(r"\d{4}-", link)]
    assert sorted(links) == [path.name for path in RECORDS]
