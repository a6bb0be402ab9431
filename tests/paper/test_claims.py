"""What the paper states of its runs: each criterion on both sides of its bound."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from _synthetic import cells, dataset_of

from ohmprop.paper._claims import (
    _CRITERIA,
    FAILS,
    HOLDS,
    ONLY_AS_RUN,
    Claim,
    Finding,
    about_adam,
    about_frequencies,
    about_training,
    decades,
    of_statements,
)
from ohmprop.paper._statements import Statement

Changes = list[tuple[dict[str, Any], float]]  # where, and the least loss there instead of 1 V^2
WIDE = [1e3, 1e4, 1e5]
SMALLER = ["medium", "small"]


def claim_of(
    readings: dict[str, xr.Dataset], criterion: str, among: Callable = about_training
) -> Claim:
    """The one claim whose criterion begins so."""
    (found,) = (c for c in among(readings) if c.criterion.startswith(criterion))
    return found


def judged(data: xr.Dataset, criterion: str) -> Finding:
    return claim_of({"as run": data}, criterion).findings["as run"]


def changed(changes: Changes, variable: str = "min_loss") -> xr.Dataset:
    data = cells()
    for where, value in changes:
        data[variable].loc[where] = value
    return data


def some(many: int, value: float, **where: Any) -> Changes:
    """`value` in the first `many` cells of those at `where`."""
    labels = {k: v if isinstance(v, list) else [v] for k, v in where.items()}
    at = cells()["min_loss"].sel(labels)
    points = (np.unravel_index(k, at.shape) for k in range(many))
    return [
        ({str(d): at[d].values[i] for d, i in zip(at.dims, point, strict=True)}, value)
        for point in points
    ]


def few_below(modulation: str) -> list[tuple[Changes, bool]]:
    narrow = {"r_off": 500.0, "modulation": modulation}
    other = {"r_off": 500.0, "modulation": "pam" if modulation == "pwm" else "pwm"}
    one = narrow | {"dataset": "iris", "hidden": "small", "model": "mms"}
    return [
        ([(narrow, 1.51)], True),
        ([(narrow, 1.51), (one, 1.5)], False),
        ([(other, 1.51)], False),
        ([(narrow, 1.51), (one, np.nan)], True),  # a run that failed does not converge
    ]


def all_above(modulation: str) -> list[tuple[Changes, bool]]:
    one: dict[str, Any] = {"modulation": modulation, "dataset": "iris", "hidden": "large"}
    one |= {"model": "vteam"}
    return [
        ([({"r_off": 500.0}, 99.0)], True),
        ([(one | {"r_off": 1e3}, 1.5)], True),
        ([(one | {"r_off": 1e3}, 1.51)], False),
        ([(one | {"r_off": 1e5}, np.nan)], False),
    ]


CANCER = {"dataset": "breast_cancer", "r_off": WIDE}  # 126 pairs, of which 95 are three quarters
NONLINEAR = {"modulation": "pwm", "r_off": WIDE, "model": ["vteam", "yakopcic", "mms", "biolek"]}
NONLINEAR["model"] += ["joglekar", "linear_ion_drift"]
ONE = {"modulation": "pwm", "r_off": 1e4, "model": "mms", "dataset": "iris", "hidden": "small"}
MMS = {"modulation": "pam", "dataset": "breast_cancer", "model": "mms", "r_off": WIDE}
RUNS: dict[str, list[tuple[Changes, bool]]] = {
    "no PWM cell at 500 Ω": few_below("pwm"),
    "no PAM cell at 500 Ω": few_below("pam"),
    "every PWM cell from 1 kΩ": all_above("pwm"),
    "every PAM cell from 1 kΩ": all_above("pam"),
    "cancer's least loss exceeds": [
        (some(95, 1.01, **CANCER), True),
        (some(94, 1.01, **CANCER), False),
        ([*some(95, 1.01, **CANCER), *some(1, np.nan, **CANCER)], False),
        ([({"dataset": "breast_cancer", "r_off": 500.0}, 9.0)], False),
    ],
    "PWM from 1 kΩ on: least loss": [
        ([(NONLINEAR, 1.25), (ONE, 2.0)], True),
        ([(NONLINEAR, 1.25), (ONE, 2.01)], False),
        ([(NONLINEAR, 1.26)], False),
        ([({"modulation": "pam"}, 9.0), ({"r_off": 500.0}, 9.0), ({"model": "linear"}, 1.0)], True),
    ],
    "PAM, cancer, mean over": [
        ([(MMS | {"hidden": SMALLER}, 1.06)], True),
        ([(MMS | {"hidden": SMALLER}, 1.06), (MMS | {"hidden": "small"}, 1.04)], False),
        ([(MMS, 1.07), (MMS | {"hidden": SMALLER}, 1.06)], False),
        ([(MMS | {"hidden": SMALLER, "r_off": 1e3}, 1.19)], True),  # in the mean over the ranges
        ([(MMS | {"hidden": SMALLER, "modulation": "pwm"}, 9.0)], False),
    ],
    "least loss at 500 Ω over": [
        ([({"r_off": 500.0}, 1.5)], True),
        ([({"r_off": 500.0}, 1.5), (ONE | {"r_off": 500.0}, 1.49)], False),
        ([({"r_off": 500.0}, 2.4), ({"r_off": 1e3}, 1.6)], False),
        ([({"r_off": 500.0}, 2.6), ({"r_off": 1e3}, 1.6)], True),
        ([({"r_off": 500.0}, 1.5), (ONE | {"r_off": 500.0}, np.nan)], False),
    ],
}
FLUX = ["linear", "linear_ion_drift", "joglekar", "biolek"]
LAST = {"modulation": "pam", "model": "biolek", "epoch": 3, "dataset": "iris", "hidden": "small"}
HISTORIES: list[tuple[Changes, bool]] = [
    ([], True),
    ([(LAST | {"r_off": 500.0}, 1 + 0.9e-6)], True),
    ([(LAST | {"r_off": 500.0}, 1 - 1.1e-6)], False),
    ([({"modulation": "pam", "model": ["vteam", "yakopcic", "mms"]}, 9.0)], True),
]
PRESSED: list[tuple[Changes, bool]] = [  # 84 cells a range, of which 76 are nine tenths
    ([({}, 0.05), ({"r_off": 500.0}, 0.11)], True),
    ([({}, 0.05), ({"r_off": 500.0}, 0.09)], False),
    ([({}, 0.5), *some(76, 0.6, r_off=500.0)], True),
    ([({}, 0.5), *some(75, 0.6, r_off=500.0)], False),
    ([({}, 0.5), *some(76, 0.6, r_off=500.0), *some(1, np.nan, r_off=500.0)], False),
]


@pytest.mark.parametrize(
    ("criterion", "changes", "met"), [(k, *case) for k, cases in RUNS.items() for case in cases]
)
def test_a_criterion_on_least_losses_is_met_where_it_should_be(criterion, changes, met):
    assert judged(changed(changes), criterion).met is met


@pytest.mark.parametrize(("changes", "met"), HISTORIES)
def test_learning_curves_are_identical_to_a_millionth(changes, met):
    assert judged(changed(changes, "loss"), "greatest relative difference").met is met


@pytest.mark.parametrize(("changes", "met"), PRESSED)
def test_devices_press_against_their_bounds_where_the_range_is_narrow(changes, met):
    assert judged(changed(changes, "clipped_fraction"), "devices at a bound").met is met


@pytest.mark.parametrize(
    ("criterion", "variable", "changes", "gone"),
    [
        ("PWM from 1 kΩ on: least loss", "min_loss", [], ONE),
        ("greatest relative difference", "loss", [], LAST | {"r_off": 500.0}),
        (
            "PAM, cancer, mean over",
            "min_loss",
            [(MMS | {"hidden": SMALLER}, 1.06)],
            MMS | {"hidden": "small", "r_off": 1e3},
        ),
    ],
)
def test_a_run_that_failed_meets_nothing(criterion, variable, changes, gone):
    assert judged(changed(changes, variable), criterion).met
    assert not judged(changed([*changes, (gone, np.nan)], variable), criterion).met


def test_every_criterion_on_runs_is_tried():
    tried = [*RUNS, "greatest relative difference", "devices at a bound"]
    everything = [criterion for _, _, criterion, *_ in _CRITERIA]
    assert len(tried) == len(everything)
    for criterion in everything:
        assert sum(criterion.startswith(begin) for begin in tried) == 1


def test_a_finding_says_how_many_and_which():
    narrow = {"r_off": 500.0, "modulation": "pwm"}
    found = judged(changed([(narrow, 3.0), *some(2, 1.25, **narrow)]), "no PWM cell")
    assert found.value == "2 of 42 converge; the nearest is 1.25 times the least"
    above = {"modulation": "pwm", "model": "mms", "dataset": "iris", "hidden": "large"}
    found = judged(changed([(above | {"r_off": [1e3, 1e5]}, 4.0)]), "every PWM cell")
    assert found.value == (
        "2 of 126 do not converge (1 at 1 kΩ, 0 at 10 kΩ, 1 at 100 kΩ); worst 4 times"
    )
    worst = {"dataset": "breast_cancer", "hidden": "medium", "model": "biolek", "r_off": 1e4}
    found = judged(changed([(worst | {"modulation": "pwm"}, 2.5)]), "PWM from 1 kΩ")
    assert found.value == "median 1; greatest 2.5 (Biolek, breast cancer, medium, 10 kΩ)"


class TestReadings:
    def test_seeds_are_averaged(self):
        data = cells(seed=[0, 1])
        narrow = {"r_off": 500.0, "modulation": "pwm"}
        for seed, value in ((0, 1.2), (1, 1.9)):
            data["min_loss"].loc[narrow | {"seed": seed}] = value
        assert judged(data, "no PWM cell").met

    def test_a_seed_that_failed_is_not_averaged_away(self):
        data = cells(seed=[0, 1])
        data["min_loss"].loc[ONE | {"seed": 1}] = np.nan
        assert not judged(data, "every PWM cell").met

    def test_what_a_shorter_reading_cannot_be_asked_is_left_out(self):
        short = cells(dataset=["iris"], hidden=["large"])
        claims = {c.criterion: c for c in about_training({"as run": cells(), "as stated": short})}
        assert len(claims) == len(_CRITERIA)
        lacking = [k for k, c in claims.items() if "as stated" not in c.findings]
        assert len(lacking) == 2
        assert all(c.startswith(("cancer's least loss", "PAM, cancer")) for c in lacking)
        asked = {c.criterion for c in about_training({"as stated": short})}
        assert asked == claims.keys() - set(lacking)

    def test_curves_at_rates_tuned_apart_are_not_compared(self):
        readings = {"as run": cells(), "as stated": cells(), "tuned": cells()}
        assert {len(c.findings) for c in about_training(readings)} == {3}
        readings["tuned"]["spec"].loc[{"modulation": "pam"}] = '{"learning": {"rates": 1e-9}}'
        found = {c.criterion: set(c.findings) for c in about_training(readings)}
        (apart,) = (k for k, v in found.items() if v != set(readings))
        assert apart.startswith("greatest relative difference")

    @pytest.mark.parametrize(
        ("met", "verdict"),
        [
            ([True], HOLDS),
            ([False], FAILS),
            ([True, True], HOLDS),
            ([False, True], HOLDS),
            ([True, False], ONLY_AS_RUN),
            ([False, False], FAILS),
            ([True, True, False], ONLY_AS_RUN),
            ([False, True, False], FAILS),
            ([False, False, True], HOLDS),
        ],
    )
    def test_the_last_reading_decides(self, met, verdict):
        readings = ("as run", "as stated", "tuned")
        findings = {r: Finding("", m) for r, m in zip(readings, met, strict=False)}
        assert Claim("4.2", "text", "criterion", findings).verdict == verdict

    @pytest.mark.parametrize(("holds", "verdict"), [(True, HOLDS), (False, FAILS)])
    def test_a_statement_about_a_figure_has_one_reading(self, holds, verdict):
        statement = Statement(9, "biolek", "a drift", "more than 1", 2.34567, holds)
        (claim,) = of_statements([statement])
        assert claim.verdict == verdict
        assert (claim.section, claim.text) == ("Figure 9", "a drift (Biolek)")
        assert claim.findings["as run"].value == "2.346"

    def test_what_is_said_of_several_models_is_one_claim(self):
        common = ("compresses", "less than 1")
        found = of_statements(
            [
                Statement(9, "vteam", *common, 0.5, True),
                Statement(9, "vteam", "another", "less than 1", 0.5, True),
                Statement(9, "mms", *common, 1.5, False),
                Statement(9, "mms", "compresses", "more than 0", 1.5, True),
            ]
        )
        assert [c.text for c in found] == ["compresses", "another (VTEAM)", "compresses (MMS)"]
        assert [c.verdict for c in found] == [FAILS, HOLDS, HOLDS]
        assert found[0].findings["as run"].value == "VTEAM 0.5; MMS 1.5 (not met)"


def pulses(least: list[float], share: list[float], **more: Any) -> xr.Dataset:
    """A sweep over three frequencies and two voltages; `least` at the better voltage, 3 V."""
    labels: dict[str, Any] = {"base": ["a-spec"], "frequency": [1e3, 2e5, 3e5]}
    data = dataset_of(labels | {"voltage": [1.0, 3.0]} | more)
    for f, loss, at_bound in zip(labels["frequency"], least, share, strict=True):
        data["min_loss"].loc[{"frequency": f, "voltage": 1.0}] = 3 * loss
        data["min_loss"].loc[{"frequency": f, "voltage": 3.0}] = loss
        data["clipped_fraction"].loc[{"frequency": f, "voltage": 1.0}] = at_bound
    return data


class TestFrequencies:
    @pytest.mark.parametrize(
        ("least", "share", "met"),
        [
            ([3.2, 1, 2], [0.5, 0, 0.09], [True, True]),
            ([3.0, 1, 2], [0.5, 0, 0.1], [False, False]),
            ([3.2, 1, 2], [0.49, 0, 0.0], [False, True]),
            ([np.nan, 1, 2], [np.nan, 0, 0.0], [False, False]),
            ([3.2, 1, np.nan], [0.5, 0, np.nan], [False, False]),
        ],
    )
    def test_slow_pulses_change_the_state_excessively_and_fast_ones_learn(self, least, share, met):
        claims = about_frequencies("vteam", pulses(least, share), 3e5)
        assert [c.findings["as run"].met for c in claims] == met

    def test_seeds_are_averaged(self):
        data = pulses([3.2, 1, 2], [0.6, 0, 0.0], seed=[0, 1])
        data["clipped_fraction"].loc[{"seed": 1, "frequency": 1e3}] = 0.3
        excessive, better = about_frequencies("yakopcic", data, 3e5)
        assert (excessive.verdict, better.verdict) == (FAILS, HOLDS)
        assert "(300 kHz for Yakopcic)" in better.text


def rated(loss: list[float], **labels: Any) -> xr.Dataset:
    rates = np.logspace(-8, -8 + len(loss) - 1, len(loss)).tolist()
    data = dataset_of({"base": ["a-spec"], "rates": rates} | labels)
    values = np.asarray(loss).reshape(1, -1, *(1 for _ in labels))
    data["min_loss"][:] = np.broadcast_to(values, data["min_loss"].shape)
    return data


class TestRates:
    @pytest.mark.parametrize(
        ("loss", "wanted"),
        [
            ([9, 1.2, 1, 1.1, 1.21], (2, 1e-7, 1e-5)),
            ([9, 9, 1, 9, 9], (0, 1e-6, 1e-6)),
            ([1, 1, 1, 1, 1], (4, 1e-8, 1e-4)),
            ([9, 1.2, 1, np.nan, np.nan], (1, 1e-7, 1e-6)),
        ],
    )
    def test_decades_within_a_fifth_of_the_least_loss(self, loss, wanted):
        assert decades(rated(loss)) == pytest.approx(wanted)
        assert decades(rated(loss, seed=[0, 1], optimiser=["sgd"])) == pytest.approx(wanted)

    @pytest.mark.parametrize(
        ("adam", "descent", "verdict"),
        [
            ([9, 1, 1, 9], [9, 1, 9, 9], HOLDS),
            ([9, 1, 1, 9], [9, 1, 1, 9], FAILS),
            ([9, 1, 9, 9], [9, 9, 9, 1], FAILS),
        ],
    )
    def test_adam_needs_a_decade_of_rates_and_more_than_plain_descent(self, adam, descent, verdict):
        claim = about_adam(rated(adam), rated(descent, optimiser=["sgd"]))
        assert claim.verdict == verdict
