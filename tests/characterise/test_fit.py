"""Fits of sweeps: known parameters recovered from noisy data, and the measured devices."""

import time
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scipy.signal import lfilter

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.characterise import LAWS, fit_every, fit_sweep, read_sweep
from ohmprop.characterise._fit import covariance_of, noise_floor, statistics
from ohmprop.characterise._laws import plan
from ohmprop.characterise._problem import Problem, _curves, _slopes, sampled
from ohmprop.characterise._read import Sweep
from ohmprop.characterise._search import search

NOISE = 0.01
long = pytest.mark.long


class Case(NamedTuple):
    """A device, a sweep that switches it, and what such data show to within 5 %.

    `shown` was chosen by the Fisher information at the true values: standard errors below 2.2 %.
    """

    model: str
    params: str | None
    changes: dict[str, float]
    amplitudes: tuple[float, ...]  # of successive cycles, V
    period: float  # s
    shown: str
    start: float = 0.3
    sign: int = 1
    samples: int = 100  # a cycle
    fine: int = 40  # steps between samples


FOUR, SIX = (0.4, 0.6, 0.8, 1.0), (0.4, 0.55, 0.7, 0.9, 1.1, 1.3)
DRIFT = "r_on r_off mu_v x0"
BOTH = "r_on r_off V_on V_off tau x0"
VTEAM = {"k_on": -1e-5, "k_off": 1e-6, "v_off": 0.2, "v_on": -0.3, "alpha_on": 2, "alpha_off": 3}
TEAM = {"r_on": 1e3, "r_off": 1e4, "i_on": -1e-4, "i_off": 1e-4, "k_on": -3e-8, "k_off": 5e-8}
TEAM |= {"alpha_on": 2, "alpha_off": 2}
YAKOPCIC = {"b": 3, "r_off": 1e3, "alpha_p": 3, "A_p": 8000, "A_n": 8000}
CASES = [
    Case("linear", None, {"r_on": 1e3, "k": 4e-3}, FOUR, 1.3, "r_on r_off k x0", sign=-1),
    Case("linear_ion_drift", "published", {"mu_v": 4e-14}, FOUR, 1.3, DRIFT, sign=-1),
    Case("mms", "published", {}, (0.2, 0.3, 0.4, 0.5), 3.3e-3, BOTH),
    Case("biolek", "published", {"mu_v": 3e-14}, FOUR, 2.6, f"{DRIFT} p"),
    Case("joglekar", "published", {"mu_v": 1.2e-14}, FOUR, 1.3, f"{DRIFT} p"),
    Case("prodromakis", "published", {"mu_v": 2.75e-14}, FOUR, 1.3, "r_on r_off x0"),
    Case("zha", "published", {"mu_v": 2e-13}, FOUR, 1.3, f"{DRIFT} p", sign=-1),
    Case(
        "vteam",
        "published",
        VTEAM,
        SIX,
        3e-3,
        "r_on r_off v_on v_off k_on alpha_on alpha_off a_on a_off w_c x0",
        start=0.5,
        sign=-1,
    ),
    Case(
        "team",
        None,
        TEAM,
        (0.5, 0.8, 1.2, 1.6, 2.0, 2.5),
        0.5,
        "r_on r_off i_off x0",
        start=0.5,
        sign=-1,
    ),
    Case(
        "yakopcic",
        "published",
        YAKOPCIC,
        (0.2, 0.25, 0.3, 0.4, 0.5, 0.6),
        4e-3,
        "r_on r_off b A_p A_n V_p V_n alpha_n x_p x_n x0",
    ),
    Case(
        "yakopcic2020",
        None,
        {"A_p": 20, "A_n": 20, "V_p": 0.2, "V_n": 0.3},
        (0.32, 0.5, 0.65, 0.8),
        1.3,
        "r_on r_off b_max_p b_max_n b_min_p b_min_n ratio_max ratio_min V_p V_n A_n x_n x0",
    ),
    Case(
        "interface",
        None,
        {},
        (1, 1.5, 2, 2.5, 3),
        60,
        "r_on r_off r_s V_f i_r kappa V_r p A_n V_p V_n x0",
    ),
    Case("gmss", None, {}, (0.5, 0.9, 1.2, 1.5), 0.01, f"{BOTH} beta_f alpha_r beta_r"),
    Case(
        "jart",
        None,
        {"r": 47e-9, "l": 0.385e-9, "nu_0": 4e13, "dW_a": 1.4},
        (0.35, 0.45, 0.55, 0.65),
        1e-4,
        "r l dW_a x0",
        start=0.01,
        sign=-1,
    ),
    Case(
        "stanford_pku",
        None,
        {},
        (1.2, 1.6, 2.0),
        1e-6,
        "r_on r_off V_0 gamma_0 x0",
        start=0.5,
        samples=80,
        fine=400,
    ),
]
QUICK = ("linear_ion_drift", "mms")


def measure(case: Case) -> tuple[Any, float, Sweep]:
    """Sine cycles, by the midpoint rule on the rate; 1 % noise on the current.

    The state must not come so near a bound that rounding would decide how it leaves it.
    """
    device = devices.make(case.model, case.params, **case.changes)
    count = np.arange(case.samples * len(case.amplitudes) + 1)
    heights = np.append(case.amplitudes, case.amplitudes[-1])

    def voltage(at):
        cycle, turn = np.divmod(at / case.samples, 1.0)
        return case.sign * heights[cycle.astype(int)] * np.sin(2 * np.pi * turn)

    v = voltage(count)
    v[count % (case.samples // 2) == 0] = 0
    dt = case.period / case.samples / case.fine
    steps = voltage((np.arange(count[-1] * case.fine) + 0.5) / case.fine)
    x0 = device.lower + case.start * (device.upper - device.lower)

    def step(x, volt):
        middle = jnp.clip(x + dt / 2 * device.rate(volt, x), device.lower, device.upper)
        x = jnp.clip(x + dt * device.rate(volt, middle), device.lower, device.upper)
        return x, x

    _, later = lax.scan(step, x0, jnp.asarray(steps))
    x = np.concatenate([[float(x0)], np.asarray(later)])[:: case.fine]
    i = np.asarray(device.current(v, x))
    i = i * (1 + NOISE * np.random.default_rng(1).standard_normal(len(i)))
    return (
        device,
        float(x0),
        Sweep(np.asarray(count * case.fine * dt, float), np.asarray(v, float), i),
    )


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c.model, marks=() if c.model in QUICK else long) for c in CASES]
)
def test_known_parameters_are_recovered_or_named(case):
    device, x0, sweep = measure(case)
    result = fit_sweep(sweep, case.model, params=case.params, budget=600)
    assert result.statistics["rms_log"] < 1.1 * NOISE / np.log(10)
    named = result.unidentified | result.rough
    assert set(case.shown.split()).isdisjoint(named)
    span = float(device.upper - device.lower)
    for name, p in (result.parameters | result.others).items():
        if not p.fixed and name not in named:
            true = x0 if name == "x0" else float(getattr(device, name))
            size = span if name == "x0" else abs(true)
            assert abs(p.value - true) < 0.05 * size, name


@pytest.mark.slow
def test_pieces_of_a_sweep_follow_the_data_at_the_true_parameters():
    device, x0, sweep = measure(next(c for c in CASES if c.model == "team"))
    layout, kept, box = plan("team", None, {}, sweep)
    true = [float(getattr(device, name)) for name in layout.names[:-1]]
    z = np.log(np.abs([*true, 1.0]))
    z[layout.names.index("r_off")] = np.log(float(device.r_off / device.r_on) - 1)
    ends = np.log([float(device.r_on), float(device.r_off)])
    z[-1] = (ends[1] + np.log(float(device.conductance(x0)))) / (ends[1] - ends[0])
    residuals, jacobian = Problem(layout, kept, sweep, True, noise_floor(sweep)).pieces()
    left = residuals(z)
    assert 0 < np.sqrt(np.mean(left**2)) < 3 * NOISE / np.log(10)  # the first state is noisy too
    off = z - 0.01 * (z - (box.low + box.high) / 2)
    ahead = 1e-5 * np.random.default_rng(0).standard_normal(len(z))
    differences = (residuals(off + ahead) - residuals(off - ahead)) / 2
    assert np.isfinite(jacobian(off)).all()
    np.testing.assert_allclose(jacobian(off) @ ahead, differences, rtol=1e-3, atol=1e-8)


def test_every_fitted_model_has_a_case():
    assert {c.model for c in CASES} == set(LAWS) <= set(devices.MODELS)


MEASURED = ("Radius_10_um_-2V_4", "Radius_10_um_-3V_3", "Radius_10_um_-4V_1",
            "small_-1V_3", "small_-1.5V_5", "small_-2V_9")  # fmt: skip


@pytest.mark.parametrize(
    "name", [MEASURED[0], *(pytest.param(name, marks=long) for name in MEASURED[1:])]
)
def test_measured_interface_devices(shared, name):
    sweep = read_sweep(shared / "data" / "iv" / f"nb_srtio3_{name}.csv")
    result = fit_sweep(sweep, "interface", budget=45)
    c, used = result.curves, np.abs(sweep.v) > 0.1
    decades = np.log10(np.abs(c["i_model"][used] / c["i_data"][used]))
    rms = np.sqrt(np.mean(decades**2))
    assert rms == pytest.approx(result.statistics["rms_log"], rel=1e-12)
    assert rms < (0.2 if "small" in name else 0.1)
    start, times = jnp.asarray(result.others["x0"].value), jnp.asarray(sweep.t)
    again = sampled(result.device(), start, times, jnp.asarray(sweep.v))[0]
    np.testing.assert_allclose(again, c["i_model"], rtol=1e-6)


def test_the_interface_set_is_a_fit_to_the_file_it_names(shared):
    sweep = read_sweep(shared / "data" / "iv" / "nb_srtio3_Radius_10_um_-3V_3.csv")
    device = devices.make("interface", "nb_srtio3_fit")
    i = sampled(device, jnp.asarray(0.571), jnp.asarray(sweep.t), jnp.asarray(sweep.v))[0]
    used = np.abs(sweep.v) > 0.1
    assert np.sqrt(np.mean(np.log10(np.abs(i[used] / sweep.i[used])) ** 2)) < 0.05


@pytest.fixture(scope="module")
def drift():
    return measure(CASES[1])


def test_held_parameters_stay(drift):
    device, _, sweep = drift
    held = {"r_on": 100.0, "r_off": 16e3}
    result = fit_sweep(sweep, "linear_ion_drift", params="published", fixed=held)
    assert result.parameters["r_on"].value == 100 and result.parameters["r_on"].fixed
    assert result.parameters["mu_v"].value == pytest.approx(float(device.mu_v), rel=0.02)
    assert result.names == ("mu_v", "x0")


def test_a_budget_ends_the_search_with_the_best_so_far(drift):
    began = time.monotonic()
    result = fit_sweep(drift[2], "linear_ion_drift", params="published", budget=1e-9)
    assert result.how["ended"] == "budget" and result.how["evaluations"] == 1
    assert time.monotonic() - began < 30 and np.isfinite(result.statistics["rms_log"])


def test_an_interruption_keeps_the_best_so_far(drift):
    def stop(model, progress):
        assert model == "linear_ion_drift"
        if progress.evaluations == 5:
            raise KeyboardInterrupt

    result = fit_sweep(drift[2], "linear_ion_drift", params="published", progress=stop)
    assert result.how["ended"] == "interrupted" and result.how["evaluations"] == 5
    assert float(result.device().r_on) > 0


def test_models_are_ranked(drift):
    results = fit_every(drift[2], ("linear", "linear_ion_drift"))
    assert [r.model for r in results] == ["linear_ion_drift", "linear"]
    assert results[0].statistics["bic"] < results[1].statistics["bic"] - 10


def test_what_cannot_be_fitted_is_refused(drift):
    sweep = drift[2]
    for model, fixed, words in (
        ("biolk", {}, "biolek"),
        ("soft_bounds", {}, "cannot be fitted"),
        ("biolek", {"mu": 1.0}, "mu_v"),
        ("biolek", {"r_on": -1.0}, "r_on"),
    ):
        with pytest.raises(BadInput, match=words):
            fit_sweep(sweep, model, fixed=fixed)


def test_as_few_points_as_unknowns_are_refused(drift):
    t, v, i = (a[1:5] for a in (drift[2].t, drift[2].v, drift[2].i))
    few = Sweep(t, v, i, "few.csv")
    with pytest.raises(BadInput, match="few.csv: a fit of linear_ion_drift has 4 unknowns"):
        fit_sweep(few, "linear_ion_drift", params="published")
    held = {"r_on": 100.0}  # three unknowns are left
    fit_sweep(few, "linear_ion_drift", params="published", fixed=held, starts=1)


def test_models_of_too_many_unknowns_are_left_out_of_a_ranking(drift):
    few = Sweep(*(a[1:8] for a in (drift[2].t, drift[2].v, drift[2].i)))
    results = fit_every(few, ("yakopcic", "linear", "vteam"), starts=1)
    assert [r.model for r in results] == ["linear"]
    note = "not fitted, as 7 points are too few for their unknowns: yakopcic, vteam"
    assert results[0].notes == (note,)
    with pytest.raises(BadInput, match="yakopcic has 12 unknowns"):
        fit_every(few, ("yakopcic", "vteam"))


def test_errors_are_those_of_linear_regression():
    rng = np.random.default_rng(0)
    a = np.stack([np.ones(200), np.linspace(0, 1, 200)], axis=1)
    y = a @ [1, 2] + 0.1 * np.diff(rng.standard_normal(201))  # neighbours do not agree
    slope, cov = np.polyfit(a[:, 1], y, 1, cov=True)
    covariance, blind = covariance_of(a, a @ slope[::-1] - y)
    np.testing.assert_allclose(covariance, cov[::-1, ::-1], rtol=1e-9)
    assert not blind.any()
    _, blind = covariance_of(np.concatenate([a, a[:, :1]], axis=1), y)
    assert blind.tolist() == [True, False, True]
    # What is not seen is lost on the sum of the two.
    to_values = np.array([[1.0, 0, 1], [0, 1, 0], [0, 0, 1]])
    _, blind = covariance_of(np.concatenate([a, a[:, :1]], axis=1), y, to_values)
    assert blind.tolist() == [False, False, True]


def test_errors_of_correlated_residuals_are_those_of_repetition():
    rng = np.random.default_rng(0)
    a = np.stack([np.ones(400), np.linspace(-1, 1, 400)], axis=1)
    noise = np.asarray(lfilter([1], [1, -0.6], rng.standard_normal((300, 500))))[:, 100:]
    found = noise @ np.linalg.pinv(a).T
    errors = [
        np.sqrt(np.diag(covariance_of(a, n - a @ f)[0])) for n, f in zip(noise, found, strict=True)
    ]
    np.testing.assert_allclose(np.mean(errors, axis=0), np.std(found, axis=0), rtol=0.15)


def test_criteria_of_a_known_likelihood():
    r = np.random.default_rng(0).standard_normal(50)
    s = statistics(r, 3)
    best = -25 * (np.log(2 * np.pi * np.mean(r**2)) + 1)  # log-likelihood at its maximum
    offset = 50 * (np.log(2 * np.pi) + 1)  # the same for every model
    assert s["aic"] + offset == pytest.approx(2 * 4 - 2 * best)
    assert s["bic"] + offset == pytest.approx(4 * np.log(50) - 2 * best)
    assert s["aicc"] - s["aic"] == pytest.approx(2 * 4 * 5 / 45)


def test_search_finds_the_deeper_of_two_minima():
    low, high = np.array([-3.0]), np.array([3.0])
    found = search(
        lambda z: np.array([z[0] ** 2 - 1, 0.3 * (z[0] + 1)]),
        lambda z: np.array([[2 * z[0]], [0.3]]),
        low,
        high,
        np.array([[2.0], [-2.0], [1.0], [-1.5]]),
    )
    assert found.z[0] == pytest.approx(-1, abs=1e-3)
    assert (found.ended, found.starts, found.agreeing) == ("starts used up", 4, 2)


def test_search_starts_where_the_easier_problem_ends():
    low, high = np.array([-3.0]), np.array([3.0])
    found = search(
        lambda z: np.array([z[0] ** 2 - 1, 0.3 * (z[0] + 1)]),
        lambda z: np.array([[2 * z[0]], [0.3]]),
        low,
        high,
        np.array([[2.0]]),
        first=(lambda z: z + 0.8, lambda z: np.ones((1, 1))),
    )
    assert found.z[0] == pytest.approx(-1, abs=1e-3)


def test_no_recompilation_for_other_numbers(drift):
    _, _, sweep = drift
    fit_sweep(sweep, "linear_ion_drift", params="published", starts=1)
    compiled = _curves._cache_size(), _slopes._cache_size()  # pyright: ignore
    other = Sweep(2 * sweep.t, 1.5 * sweep.v, 0.5 * sweep.i)
    fit_sweep(other, "linear_ion_drift", params="published", starts=1)
    assert (_curves._cache_size(), _slopes._cache_size()) == compiled  # pyright: ignore
