"""No text becomes a formula, and each comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.contract.csv_cells import read_text, shown_text


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\t", " =1", "\N{FULLWIDTH EQUALS SIGN}1", "'=1", "''=1"],
)
def test_what_could_be_computed_is_shown_as_text(text: str) -> None:
    assert shown_text(text) == f"'{text}"
    assert read_text(shown_text(text)) == text


@pytest.mark.parametrize("text", ["", "meter-1", "a=b", "'", "'a", "Depot north, bay 4", "1e5"])
def test_any_other_text_stays(text: str) -> None:
    assert shown_text(text) == text
    assert read_text(text) == text


@given(st.text() | st.text("=+-@'\t\r\n ab"))
def test_a_text_comes_back(text: str) -> None:
    assert read_text(shown_text(text)) == text
    assert shown_text(text).lstrip()[:1] not in list("=+-@")
