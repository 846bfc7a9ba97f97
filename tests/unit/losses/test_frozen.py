"""Baselines that a finding froze, of this release and of one before."""

import numpy as np
import polars as pl

from warehouse.losses.fleet_fit import coefficients_of
from warehouse.losses.frozen import thaw, with_heaters
from warehouse.losses.schemas import FLEET_FITS, FROZEN, LOSS_FINDINGS
from warehouse.losses.settings import SETTINGS


def finding(coefficients: int) -> pl.DataFrame:
    own = {
        "coefficients": np.arange(1.0, 1 + coefficients).tolist(),
        "covariance": np.arange(1.0, 1 + coefficients**2).tolist(),
        "mean_x": [0.5] * coefficients,
    }
    frame = pl.DataFrame({**{name: [None] for name in LOSS_FINDINGS}, **{name: [own[name]] for name in own}})
    return frame.select(LOSS_FINDINGS.names()).cast(LOSS_FINDINGS)


def test_a_baseline_of_before_heaters_were_known_knows_as_little_of_them_as_a_new_pair() -> None:
    both = with_heaters(pl.concat([finding(4), finding(5), pl.DataFrame(finding(5)).with_columns(coefficients=None)]))
    assert both.schema == LOSS_FINDINGS
    older, newer = both[0], both[1]
    assert newer.equals(finding(5))
    baseline = thaw(older.select(FROZEN.names()))
    assert baseline.coefficients.tolist() == [[1.0, 2.0, 3.0, 4.0, 0.0]]
    expected = np.zeros((5, 5))
    expected[:4, :4] = np.arange(1.0, 17.0).reshape(4, 4)
    expected[4, 4] = SETTINGS.pair_deviation[-1] ** 2
    np.testing.assert_allclose(baseline.covariance[0], expected)
    assert baseline.mean_x.tolist() == [[0.5, 0.5, 0.5, 0.5, 0.0]]


def test_a_fit_of_before_is_taken_with_what_is_usual_of_heaters() -> None:
    row = {name: 0.5 for name, dtype in FLEET_FITS.items() if dtype == pl.Float64}
    fits = pl.DataFrame([row]).with_columns(week=None, pair_count=1, session_count=1, heating_kwh_per_kelvin=None)
    assert coefficients_of(fits.select(FLEET_FITS.names()).cast(FLEET_FITS)).tolist() == [0.5] * 4 + [0.0]
