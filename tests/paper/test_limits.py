"""The closing section and its tables, on datasets whose numbers are made up."""

import numpy as np
import pytest
import xarray as xr
from _synthetic import cells, dataset_of

from ohmprop.paper import _answers as answers
from ohmprop.paper import _limits as limits

FLOOR = 0.04
RANGES = [200.0, 300.0, 500.0, 1e3, 1e4, 1e5]


def over_ranges(epochs: int = 60) -> xr.Dataset:
    """Loss 0.5 everywhere."""
    labels = {"base": ["b"], "r_off": RANGES, "factor": [1.0, 10.0], "seed": [0, 1]}
    data = dataset_of(labels, epochs)
    data["loss"][:] = 0.5
    return data


def rates() -> xr.Dataset:
    labels = {"modulation": ["pwm"], "r_off": [500.0, 1e3], "factor": [0.1, 1.0, 10.0]}
    data = dataset_of(labels | {"seed": [0]})
    data["min_loss"].loc[{"r_off": 500.0, "factor": 10.0}] = 0.5
    data["min_loss"].loc[{"r_off": 1e3, "factor": 1.0}] = 0.5
    return data


def test_steps_tell_slowness_from_what_stays():
    moving = over_ranges()
    there = {"r_off": 500.0}
    moving["loss"].loc[there | {"factor": 1.0}] = 0.1
    moving["loss"].loc[there | {"factor": 10.0}] = 0.06
    moving["loss"].loc[there | {"factor": 10.0, "epoch": 60}] = 0.05
    data = {"ratio_moving_start": moving, "ratio_fixed_start": over_ranges(), "rates": rates()}
    stated, tuned = cells(), cells(seed=[0, 1])
    stated["min_loss"].loc[{"r_off": 500.0}] = 2.0
    tuned["min_loss"].loc[{"r_off": 500.0, "model": "mms"}] = 2.0
    found = limits._steps({"as stated": stated, "tuned": tuned}, data, FLOOR)
    assert "0.1000 V² after 50 epochs at the published rate, 0.0600 V² at the best" in found
    assert "0.0500 V² after 60 epochs" in found
    assert "83 % was slowness" in found  # (0.1 - 0.05) / (0.1 - 0.04)
    assert "the ratio has no effect" in found and "0.5000 to 0.5000 V²" in found
    assert "36 of 42 cells" in found and "0 of 42 at the published" in found
    assert "Of 2 cells, 0 have their best rate at the lower and 1 at the upper" in found
    data["ratio_fixed_start"]["loss"].loc[{"r_off": 1e4}] = 0.3
    assert "has no effect" not in limits._steps({"as stated": stated, "tuned": tuned}, data, FLOOR)


@pytest.mark.parametrize(("ten", "said"), [(0.041, True), (0.05, False)])
def test_the_ratio_is_a_good_figure_only_where_ten_suffices(ten, said):
    data = over_ranges()
    for r, loss in ((200.0, 0.08), (500.0, 0.06), (1e3, ten), (1e4, 0.039)):
        data["loss"].loc[{"r_off": r, "factor": 10.0, "epoch": 60}] = loss
    data["clipped_fraction"].loc[{"r_off": 500.0, "factor": 1.0}] = 0.25
    data["clipped_fraction"].loc[{"r_off": 500.0, "factor": 10.0}] = 0.75
    found = limits._ratio({"ratio_fixed_start": data}, FLOOR)
    assert f"0.0800 V² at 2, 0.0600 V² at 5, {ten:.4f} V² at 10, 0.0390 V² at 100" in found
    assert "A ratio of five stays 50 % above" in found and "75 % of the linear" in found
    assert ("good figure" in found) == said


def test_the_estimators_ratio_is_to_the_exact_one_of_the_same_cell():
    labels = {"base": ["a", "b"], "estimator": ["the paper's", "exact"], "beta": [1e-6]}
    data = dataset_of(labels | {"factor": [1.0, 10.0], "seed": [0, 1]})
    loss = data["min_loss"]
    loss.loc[{"estimator": "the paper's", "base": "a", "factor": 10.0}] = 0.5
    loss.loc[{"estimator": "exact", "base": "a", "factor": 10.0}] = 0.4
    rows = answers.estimators_table(data)[1]
    assert rows == [
        ["the paper's", "1e-06", 0.75, "1.000 to 1.250"],
        ["exact", "1e-06", pytest.approx(0.7), "1.000 to 1.000"],
    ]


def test_equations_stand_range_by_range_at_their_best_rate():
    ranges = ("r500", "r1k", "r10k", "r100k")
    variants = [f"MMS, {how}, {span}" for how in ("euler", "exact") for span in ranges]
    data = dataset_of({"variant": variants, "factor": [1.0, 10.0], "seed": [0, 1]})
    data["min_loss"][:, 1, :] = np.arange(8)[:, None] / 10
    assert answers.equations_table(data)[1] == [
        ["MMS, euler", 0.0, 0.1, 0.2, 0.3],
        ["MMS, exact", 0.4, 0.5, 0.6, 0.7],
    ]
