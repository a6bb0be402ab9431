"""Fits of pulse responses: known parameters recovered from noisy data, and measured ReRAM."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.characterise import fit_pulses, pulse_data, rank_pulses, read_pulses
from ohmprop.characterise._fit_pulses import _jacobian
from ohmprop.characterise._pulse_laws import PULSE_LAWS, STEP_MODELS
from ohmprop.characterise._pulse_noise import correlation_length, distance_of_means, scatter
from ohmprop.experiments._device import make_device
from ohmprop.experiments._spec import DeviceSpec

NOISE = 0.01  # of the range between the bounds
ENDS = {"r_on": 1e4, "r_off": 1e5}
LOW, HIGH = 1e-5, 1e-4  # S
slow = pytest.mark.slow

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
    d = p.get("dw_min", UNIT) * (1 + min(s, 0) if up else 1 - max(s, 0) for s in [p.get("up_down", 0)]).__next__()
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
    return [
        LOW + (HIGH - LOW) * ((w + 1) / 2 + noise * rng.standard_normal(len(w)))
        for w in (up, down)
    ]


def true_of(model: str, name: str) -> float:
    stem, _, place = name.partition("[")
    value = TRUE[model][stem]
    return value[int(place[:-1]) - 1] * UNIT if place else value


@pytest.mark.parametrize("model", [pytest.param(m, id=m) for m in TRUE])
def test_known_steps_are_recovered_or_named(model):
    held = dict(ENDS) | {"w_min": -1.0, "w_max": 1.0}
    held |= {"dw_min": UNIT} if model == "piecewise_step" else {}
    result = fit_pulses(
        pulse_data(*measure(model), True), model, params=SETS.get(model), fixed=held
    )
    assert result.statistics["rms"] < 1.1 * NOISE * (HIGH - LOW)
    shown = 0
    for name, p in result.parameters.items():
        if p.fixed or name in ("dw_min_std", "write_noise_std"):
            continue
        value = p.value * (UNIT if "[" in name else 1)
        close = value == pytest.approx(true_of(model, name), rel=0.05)
        if not p.doubt and p.se < 0.015 * abs(p.value):
            assert close, name
        assert close or p.doubt or abs(value - true_of(model, name)) < 4 * p.se, name
        shown += close
    print(model, shown, {n: (p.value, p.se, p.doubt) for n, p in result.parameters.items() if not p.fixed})
    assert result.others["start_up"].value == pytest.approx(LOW + 0.05 * (HIGH - LOW), abs=9e-7)
