"""What is written as text is a value of a type only where nothing of it is lost."""

import pytest

from dbt_like_sql.written_values import keeps_all


@pytest.mark.parametrize(
    ("written", "its_type"),
    [
        ("-12", "INTEGER"),
        (" 3", "BIGINT"),
        ("2.50", "DECIMAL(6,1)"),
        ("1e3", "DECIMAL(6,2)"),
        ("2.6", "DOUBLE"),
        ("2026-2-8", "DATE"),
        ("infinity", "DATE"),
        ("2026-02-08 10:00:00.5", "TIMESTAMP"),
        ("2026-02-08T10:00:00+05", "TIMESTAMPTZ"),
        ("[1, 2, null]", "INTEGER[]"),
        ("[2.5, 3]", "DOUBLE[]"),
        ("['a, b', 3.5]", "VARCHAR[]"),
        ("[]", "INTEGER[]"),
        ("many", "VARCHAR"),
    ],
)
def test_what_a_type_holds(written: str, its_type: str) -> None:
    assert keeps_all(written, its_type)


@pytest.mark.parametrize(
    ("written", "its_type"),
    [
        ("2.6", "INTEGER"),
        ("1e3", "UBIGINT"),
        ("", "INTEGER"),
        ("1.234", "DECIMAL(6,2)"),
        ("1e-3", "DECIMAL(6, 2)"),
        ("2026-02-08 10:00", "DATE"),
        ("2026-02-08T10:00:00+05", "TIMESTAMP"),
        ("2026-02-08 10:00:00.1234567", "TIMESTAMP"),
        ("[1, 2.5]", "INTEGER[]"),
        ("[2026-02-08 10:00]", "DATE[]"),
    ],
)
def test_what_a_type_would_round_or_leave_out(written: str, its_type: str) -> None:
    assert not keeps_all(written, its_type)
