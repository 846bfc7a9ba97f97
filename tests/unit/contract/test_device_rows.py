"""Each dataset says by which columns a row is a device's, and an id is found in a text as a word of its own."""

import re

import duckdb
import pytest

from dbt_like_sql.catalog import Catalog
from warehouse.contract.device_rows import DATASETS, mention, mention_without_looking_back

TELLS_A_DEVICE = re.compile(r"(^|_)(meter|vehicle|device)_id$|external_ids?$|^devices$|^(subject|detail|reason|cause)$")
WORDS_OF_A_LIST = {("register_verdicts", "cause"), ("loss_findings", "cause"), ("site_verdicts", "subject")}
"""Columns that are called as if they told, and have a few words that they may have."""


def test_each_dataset_says_by_which_columns_a_row_is_a_devices() -> None:
    models = Catalog.load().models
    assert sorted(DATASETS) == sorted(models), "say in warehouse/contract/device_rows.py what a row of it is"
    for name, model in models.items():
        columns = {column.name for column in model.columns}
        assert DATASETS[name].columns <= columns, name
        telling = {each for each in columns if TELLS_A_DEVICE.search(each) and (name, each) not in WORDS_OF_A_LIST}
        assert telling <= DATASETS[name].columns, name


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("veh-1", True),
        ('{"vehicleId":"veh-1","soc":1}', True),
        ("{veh-2,veh-1}", True),
        ("1 late reading of veh-1.", True),
        ("veh-1: a clock is off", True),
        ("vehicle veh-1's register", True),
        ("veh-10", False),
        ("DE.veh-1", False),
        ("a-veh-1", False),
        ("veh-1:2", False),
        ("veh-1.5", False),
        ("vehX1", False),
    ],
)
def test_an_id_is_found_as_a_word_of_its_own(text: str, is_found: bool) -> None:
    assert bool(re.search(mention("veh-1"), text)) is is_found
    found = duckdb.execute("SELECT regexp_matches(?, ?)", [text, mention_without_looking_back("veh-1")]).fetchall()
    assert found == [(is_found,)]
