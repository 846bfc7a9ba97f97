"""Readings a second, from counts."""

from ingest_api.live.stored_rate import StoredRate


def test_the_first_look_tells_nothing_and_the_next_ones_the_growth() -> None:
    rate = StoredRate()
    assert rate.per_second(0.0, 1000) is None
    assert rate.per_second(0.5, 1500) is None
    assert rate.per_second(2.0, 2000) == 500
    assert rate.per_second(4.0, 2000) == 250


def test_it_looks_half_a_minute_back_or_to_the_look_before() -> None:
    rate = StoredRate()
    for second in range(101):
        last = rate.per_second(float(second), second * (10 if second < 60 else 20))
    assert last == 20
    assert rate.per_second(700.0, 100 * 20 + 600) == 1


def test_a_count_that_fell_begins_anew() -> None:
    rate = StoredRate()
    rate.per_second(0.0, 1000)
    assert rate.per_second(5.0, 10) is None
    assert rate.per_second(10.0, 60) == 10
