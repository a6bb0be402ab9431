"""Fits of pulse responses: known parameters recovered from noisy data, and measured ReRAM."""

import math
from typing import Any

import jax
import numpy as np
import pytest

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.characterise import FitResult, fit_pulses, pulse_data, rank_pulses, read_pulses
from ohmprop.characterise._fit import statistics
from ohmprop.characterise._fit_pulses import _jacobian, criteria
from ohmprop.characterise._pulse_laws import PULSE_LAWS, STEP_MODELS
from ohmprop.characterise._pulse_noise import correlation_length, distance_of_means, scatter
from ohmprop.experiments._device import make_device
from ohmprop.experiments._spec import DeviceSpec

NOISE = 0.01  # of the range between the bounds
ENDS = {"r_on": 1e4, "r_off": 1e5}
LOW, HIGH = 1e-5, 1e-4  # S
long = pytest.mark.long

# Steps in the scalar arithmetic of the published update rules, weights from -1 to 1.
TRUE = {
    "constant_step": {"dw_min": 0.02, "up_down": 0.3},
    "linear_step": {"dw_min": 0.03, "up_down": -0.2, "gamma_up": 0.5, "gamma_down": 0.8},
    "soft_bounds": {"dw_min": 0.05, "up_down": 0.25},
    "exp_step": {"dw_min": 0.012, "up_down": 0.26, "A_up": -1.2, "A_down": -0.8}
    | {"gamma_up": 5.0, "gamma_down": 4.0},
    "pow_step": {"dw_min": 0.05, "up_down": 0.2, "pow_gamma": 1.6, "pow_up_down": -0.3},
    "piecewise_step": {"nodes_up": [1.6, 1.2, 0.9, 0.8, 0.6, 0.2]}
    | {"nodes_down": [0.3, 0.6, 0.8, 1.3, 1.2, 2.0]},
}
SETS = {"linear_step": "ecram", "exp_step": "reram_es"}
UNIT = 0.02  # dw_min of the piecewise case


def step(model: str, p: dict, w: float, up: bool) -> float:
    bias = p.get("up_down", 0.0)
    d = p.get("dw_min", UNIT) * (1 + min(bias, 0) if up else 1 - max(bias, 0))
    if model == "constant_step":
        size = d
    elif model == "linear_step":
        size = d * (1 - p["gamma_up"] * w) if up else d * (1 + p["gamma_down"] * w)
    elif model == "soft_bounds":
        size = d * (1 - w if up else 1 + w)
    elif model == "exp_step":
        z = -0.5 * w - 0.5
        a, e = ("A_up", p["gamma_up"] * z) if up else ("A_down", -p["gamma_down"] * z)
        size = d * max(1 - p[a] * math.exp(e), 0)
    elif model == "pow_step":
        gamma = p["pow_gamma"] * (1 + min(p["pow_up_down"], 0) if up else 1)
        far = (1 - w) / 2
        size = d * (far if up else 1 - far) ** gamma
    else:
        nodes = p["nodes_up" if up else "nodes_down"]
        size = d * float(np.interp(w, np.linspace(-1, 1, len(nodes)), nodes))
    return min(max(w + size if up else w - size, -1), 1)


def train(model: str, p: dict, w: float, up: bool, pulses: int) -> np.ndarray:
    out = [w]
    for _ in range(pulses):
        out.append(step(model, p, out[-1], up))
    return np.array(out)


def measure(model: str, pulses: int = 150, noise: float = NOISE, seed: int = 0):
    up = train(model, TRUE[model], -0.9, True, pulses)
    down = train(model, TRUE[model], 0.9, False, pulses)
    rng = np.random.default_rng(seed)
    up, down = (
        LOW + (HIGH - LOW) * ((w + 1) / 2 + noise * rng.standard_normal(len(w))) for w in (up, down)
    )
    return up, down


def true_of(model: str, name: str) -> float:
    stem, _, place = name.partition("[")
    value = TRUE[model][stem]
    return value[int(place[:-1]) - 1] if place else value


def any_device(result: FitResult) -> Any:
    return result.device()


@pytest.mark.parametrize(
    "model", [pytest.param(m, marks=() if m == "soft_bounds" else long) for m in TRUE]
)
def test_known_steps_are_recovered_or_named(model):
    held = {"w_min": -1.0, "w_max": 1.0}
    held |= {} if model == "soft_bounds" else ENDS  # whose bounds show
    held |= {"dw_min": UNIT} if model == "piecewise_step" else {}
    data = pulse_data(*measure(model), True)
    result = fit_pulses(data, model, params=SETS.get(model), fixed=held)
    assert result.statistics["rms"] < 1.1 * NOISE * (HIGH - LOW)
    for name, p in result.parameters.items():
        if p.fixed or name in ("dw_min_std", "write_noise_std"):
            continue
        true = ENDS[name] if name in ENDS else true_of(model, name)
        close = p.value == pytest.approx(true, rel=0.05)
        if not p.doubt and p.se < 0.015 * abs(p.value):
            assert close, name
        assert close or p.doubt or abs(p.value - true) < 4 * p.se, name
    device, w = any_device(result), np.linspace(-0.8, 0.8, 33)
    for up in (True, False):  # parameters may stand in for one another; the steps may not
        true = [step(model, TRUE[model], x, up) - x for x in w]
        away = np.asarray(device.step(w, up)) - true
        assert np.sqrt(np.mean(away**2)) < 0.05 * np.sqrt(np.mean(np.square(true))), up
    assert result.others["start_up"].value == pytest.approx(LOW + 0.05 * (HIGH - LOW), abs=9e-7)


def test_every_step_model_has_a_case():
    assert set(TRUE) == set(STEP_MODELS) <= set(PULSE_LAWS) <= set(devices.MODELS)


@pytest.fixture(scope="module")
def soft():
    held = {"w_min": -1.0, "w_max": 1.0}
    return fit_pulses(pulse_data(*measure("soft_bounds"), True), "soft_bounds", fixed=held)


def test_the_device_file_gives_the_device_back(soft):
    device: Any = make_device(DeviceSpec.model_validate(soft.device_section()))
    for name, p in soft.parameters.items():
        assert float(getattr(device, name)) == pytest.approx(p.value, rel=1e-12)
    again = float(device.conductance(device.state(soft.others["start_up"].value)))
    x, g = again, [again]
    x = device.state(again)
    for _ in range(150):
        x = device.pulse(x, float(device.v_pulse), float(device.t_pulse))
        g.append(float(device.conductance(x)))
    np.testing.assert_allclose(g, soft.curves["g_model"][:151], rtol=1e-9)


def test_nodes_become_lists():
    data = pulse_data(*measure("piecewise_step", pulses=40), True)
    result = fit_pulses(data, "piecewise_step", starts=1)
    section = result.device_section()["overrides"]
    assert len(section["nodes_up"]) == len(section["nodes_down"]) == 6
    np.testing.assert_allclose(any_device(result).nodes_up, section["nodes_up"])
    assert result.record()["parameters"]["nodes_up[6]"]["unit"] == "1"


def test_normalised_readings_give_the_same_weights(soft):
    up, down = (3 * (y / HIGH) - 2 for y in measure("soft_bounds"))
    result = fit_pulses(
        pulse_data(up, down, False), "soft_bounds", fixed={"w_min": -1.0, "w_max": 1.0}
    )
    for name in ("dw_min", "up_down", "write_noise_std"):
        assert result.parameters[name].value == pytest.approx(soft.parameters[name].value, rel=0.01)
    assert result.others["g_high"].value == pytest.approx(1, abs=0.05)
    assert result.parameters["r_on"].fixed
    words = result.notes[-1].split()
    scale, offset = float(words[2]), float(words[5].rstrip(","))
    y, x = result.curves["y_model"], result.curves["x"]
    np.testing.assert_allclose(scale * y + offset, x, atol=1e-5)


def test_noise_is_estimated():
    kinds = {"dw_min_std": 1.0, "write_noise_std": 10.0}
    device: Any = devices.make("soft_bounds", "reram_sb", dw_min=0.004, **kinds)

    @jax.jit
    def train(key, x, v):
        def one(x, key):
            cycle, write = jax.random.split(key)
            x = device.sample(cycle, x, v, 1e-6)
            return x, device.apparent(write, x)

        return jax.lax.scan(one, x, jax.random.split(key, 600))[1]

    up, down = (
        np.asarray(train(jax.random.key(k), x, v)) for k, x, v in ((1, -0.5, 1.0), (2, 1.0, -1.0))
    )
    result = fit_pulses(pulse_data(up, down, False), "soft_bounds", params="reram_sb")
    for name, true in kinds.items():
        p = result.parameters[name]
        assert p.value == pytest.approx(true, rel=0.25), name
        assert abs(p.value - true) < 4 * p.se and p.se < 0.2 * true
    held = fit_pulses(
        pulse_data(up, down, False), "soft_bounds", fixed={"dw_min_std": 1.0}, starts=1
    )
    assert held.parameters["dw_min_std"].value == 1 and held.parameters["dw_min_std"].fixed


def test_a_state_model_under_pulses_of_known_size():
    r_on, r_off, d, mu_v = 100.0, 16e3, 1e-8, 2e-14
    flux = np.arange(80) * 0.8 * 1e-3  # V s
    k = mu_v * r_on / d**2

    def resistance(start, sign):  # M^2 = M0^2 - 2 (r_off - r_on) k phi, between the bounds
        return np.sqrt(np.clip(start**2 - sign * 2 * (r_off - r_on) * k * flux, r_on**2, r_off**2))

    rng = np.random.default_rng(0)
    up, down = 1 / resistance(9e3, 1), 1 / resistance(4e3, -1)
    up, down = (y * (1 + NOISE * rng.standard_normal(80)) for y in (up, down))
    result = fit_pulses(
        pulse_data(up, down, True),
        "linear_ion_drift",
        params="published",
        fixed={"r_on": r_on},
        amplitude=0.8,
        width=1e-3,
    )
    # mu_v (r_off - r_on) alone shows; the bound r_off does not
    found = result.parameters["mu_v"].value * (result.parameters["r_off"].value - r_on)
    assert found == pytest.approx(mu_v * (r_off - r_on), rel=0.02)
    assert 1 / result.others["start_up"].value == pytest.approx(9e3, rel=0.02)
    assert result.how["amplitude_volt"] == [0.8, -0.8]


@long
@pytest.mark.parametrize("model", [m for m in STEP_MODELS if m != "constant_step"])
def test_measured_reram_lies_within_its_own_spread(shared, model):
    data = read_pulses(shared / "data" / "pulses_reram_gong.csv")
    assert (len(data.up), len(data.down), data.siemens) == (1000, 1000, False)
    result = fit_pulses(data, model)
    for name, y in data.branches.items():
        spread = result.statistics[f"spread_{name}"]
        mean = np.lib.stride_tricks.sliding_window_view(y, 25).mean(axis=1)
        assert spread == pytest.approx(np.std(y[12:-12] - mean) * (25 / 24) ** 0.5, rel=1e-3)
        own = result.curves["branch"] == (1 if name == "potentiation" else -1)
        away = (result.curves["y_model"] - result.curves["y_data"])[own]
        means = np.sqrt(np.mean(away.reshape(40, 25).mean(axis=1) ** 2))
        assert means == pytest.approx(result.statistics[f"means_{name}"], rel=1e-12)
        assert means < 0.82 * spread


def test_models_are_ranked():
    data = pulse_data(*measure("linear_step"), True)
    results = rank_pulses(data, ("constant_step", "linear_step"), starts=4)
    assert [r.model for r in results] == ["linear_step", "constant_step"]
    first, second = (r.statistics for r in results)
    assert first["bic"] < second["bic"] - 10


def test_criteria_of_independent_residuals_are_the_usual_ones():
    r = np.random.default_rng(0).standard_normal(50)
    usual = statistics(r, 3)
    assert criteria({"n": 50.0, "k": 3.0, "rms": np.sqrt(np.mean(r**2))}, 1.0) == pytest.approx(
        {key: usual[key] for key in ("aic", "aicc", "bic")}
    )


def test_one_branch_is_enough_for_its_own_parameters():
    up, _ = measure("linear_step")
    result = fit_pulses(pulse_data(up, np.empty(0), True), "linear_step", starts=4)
    assert result.names == ("dw_min", "gamma_up", "start_up")
    assert "spread_depression" not in result.statistics


def test_other_numbers_do_not_compile_anew(soft):
    jacobian: Any = _jacobian
    before = jacobian._cache_size()
    up, down = measure("soft_bounds", seed=5)
    held = {"w_min": -1.0, "w_max": 1.0}
    fit_pulses(pulse_data(2 * up, 2 * down, True), "soft_bounds", fixed=held, starts=1)
    assert jacobian._cache_size() == before


def test_scatter_and_means_of_known_numbers():
    rng = np.random.default_rng(0)
    y = 0.001 * np.arange(20000) + 0.2 * rng.standard_normal(20000)
    assert scatter(y, 25) == pytest.approx(0.2, rel=0.02)
    assert scatter(y, 5) == pytest.approx(0.2, rel=0.02)
    assert distance_of_means(np.zeros(103), np.tile([1.0, -1.0, 3.0, 1.0], 26)[:103], 4) == 1
    r = np.zeros(50000)
    for k, e in enumerate(rng.standard_normal(50000)):
        r[k] = 0.8 * r[k - 1] + e
    assert correlation_length([r]) == pytest.approx(1.8 / 0.2, rel=0.1)  # (1 + a)/(1 - a)


def write(tmp_path, text):
    path = tmp_path / "pulses.csv"
    path.write_text(text, encoding="utf-8")
    return path


RISE, FALL = [0.1 * k for k in range(1, 13)], [1.2 - 0.1 * k for k in range(12)]


def test_layouts(tmp_path):
    two = [f"{a},{b}" for a, b in zip(RISE, FALL, strict=True)]
    single = [f"{k},{y}e-6" for run in (RISE, FALL) for k, y in enumerate(run)]
    cases = {
        "plain": ("\n".join(two), 1, False),
        "named": ("\n".join(["LTP,LTD", *two]), 1, False),
        "units": ("\n".join(["up (uS),down (uS)", *two]), 1e-6, True),
        "restart": ("\n".join(["pulse,g_siemens", *single]), 1e-6, True),
    }
    for name, (text, unit, siemens) in cases.items():
        data = read_pulses(write(tmp_path, text))
        np.testing.assert_allclose(data.up, np.array(RISE) * unit, err_msg=name)
        np.testing.assert_allclose(data.down, np.array(FALL) * unit, err_msg=name)
        assert data.siemens is siemens, name
    falling = read_pulses(write(tmp_path, "\n".join(map(str, FALL))))
    assert len(falling.up) == 0 and len(falling.down) == 12
    chosen = read_pulses(write(tmp_path, "\n".join(["a,b", *two])), "b,a")
    np.testing.assert_allclose(chosen.up, FALL)


def test_the_table_of_the_command_pulses_is_read(tmp_path):
    rows = ["pulse,branch,v_volt,t_second,g_siemens,energy_joule", "0,start,0,0,1e-5,0"]
    rows += [f"{k},potentiation,1,1e-6,{1 + k}e-5,0" for k in range(1, 8)]
    rows += [f"{k},depression,-1,1e-6,{15 - k}e-5,0" for k in range(8, 15)]
    data = read_pulses(write(tmp_path, "\n".join(rows)))
    np.testing.assert_allclose(data.up, np.arange(1, 9) * 1e-5)
    np.testing.assert_allclose(data.down, np.arange(8, 0, -1) * 1e-5)
    assert data.siemens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n" + "1,2\n" * 12, "--columns"),
        ("1,2,3\n" * 12, "one or"),
        ("up\n" + "0.5\n" * 12, "0.5"),
        ("up\n" + "".join(f"{k}\n" for k in range(12)) + "x\n", "finite number"),
        ("up,down\n" + "1,x\n" * 12, "finite number"),
        ("up_uS\n" + "".join(f"{k - 3}\n" for k in range(12)), "positive"),
        ("pulse,branch,g\n" + "".join(f"{k},left,{k}\n" for k in range(12)), "left"),
        ("pulse,g\n" + "".join(f"{k % 4},{k}\n" for k in range(12)), "2 times"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, text, words):
    with pytest.raises(BadInput, match=words):
        read_pulses(write(tmp_path, text))


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("soft_bound", {}, "soft_bounds"),
        ("jart", {}, "no fit to pulses"),
        ("biolek", {}, "amplitude"),
        ("soft_bounds", {"fixed": {"dw_mn": 1.0}}, "dw_min"),
        ("soft_bounds", {"params": "seed"}, "reram_sb"),
        ("soft_bounds", {"amplitude": -1.0}, "amplitude"),
        ("soft_bounds", {"amplitude": (1.0, 2.0)}, "unit pulse"),
        ("vteam", {"params": "published", "amplitude": 0.01, "width": 1e-6}, "thresholds"),
    ],
)
def test_what_cannot_be_fitted_is_refused(model, options, words):
    with pytest.raises(BadInput, match=words):
        fit_pulses(pulse_data(np.array(RISE), np.array(FALL), False), model, **options)
