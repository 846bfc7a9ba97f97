import pytest

from warehouse.counted import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_001, "1,001 rows"), (-1, "-1 rows")]
)
def test_one_is_said_of_one_alone(number: int, said: str) -> None:
    assert counted(number, "row") == said


def test_more_than_an_s_is_given() -> None:
    assert counted(1, "day waits", "days wait") == "1 day waits"
    assert counted(3, "day waits", "days wait") == "3 days wait"
