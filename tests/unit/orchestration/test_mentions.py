"""An id leaves the texts of a home, and a keyed hash stands for it."""

import stat
from pathlib import Path

from orchestration.home.forgetting_key import subject_hash
from orchestration.home.mentions import blank_files
from warehouse.contract.device_rows import stand_in_of


def test_texts_get_a_stand_in_and_pages_that_name_it_go(tmp_path: Path) -> None:
    texts = {
        "logs/api.log": "refused veh-1: soc\n",
        "logs/commands.log.1": "veh-10 and (veh-1)\n",
        "reports/week.html": "<td>veh-1</td>",
        "reports/other.html": "<td>veh-2</td>",
        "history.ndjson": '{"vehicleId":"veh-1"}\n',
        "lake/a.parquet": "veh-1",
        "postgres/base": "veh-1",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    changed = blank_files(tmp_path, "veh-1", "forgotten-ab")
    assert {str(path.relative_to(tmp_path)) for path in changed} == set(list(texts)[:3]) | {"history.ndjson"}
    assert not (tmp_path / "reports/week.html").exists()
    left = {name: (tmp_path / name).read_text() for name in texts if name != "reports/week.html"}
    assert left == {
        **{name: text for name, text in texts.items() if name != "reports/week.html"},
        "logs/api.log": "refused forgotten-ab: soc\n",
        "logs/commands.log.1": "veh-10 and (forgotten-ab)\n",
        "history.ndjson": '{"vehicleId":"forgotten-ab"}\n',
    }


def test_a_log_that_is_open_goes_on_behind_what_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "api.log"
    path.parent.mkdir()
    with path.open("a") as log:
        log.write("veh-1\n")
        log.flush()
        assert list(blank_files(tmp_path, "veh-1", "forgotten-0123456789ab")) == [path]
        log.write("next\n")
    assert path.read_text() == "forgotten-0123456789ab\nnext\n"


def test_the_hash_is_the_same_as_long_as_the_key_is(tmp_path: Path) -> None:
    hashed = subject_hash(tmp_path, "veh-1")
    assert subject_hash(tmp_path, "veh-1") == hashed
    assert len({hashed, subject_hash(tmp_path, "veh-2")}) == 2
    assert stand_in_of(hashed) == f"forgotten-{hashed[:12]}"
    key = tmp_path / "secrets" / "forgotten.key"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (key, key.parent)] == [0o600, 0o700]
    key.unlink()
    assert subject_hash(tmp_path, "veh-1") != hashed
