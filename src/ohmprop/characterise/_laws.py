"""What is fitted of each model: which parameters, in which coordinates, between which bounds.

A fit works in a box of coordinates z [k]: the logarithm of a parameter that is positive or
negative throughout, the number itself of another, ln(r_off/r_on - 1) for r_off, and last the
initial state as the fraction f of ln G between the device's least and greatest conductance.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from .. import devices
from .._core import BadInput, nearest
from ..devices import AbstractMemristor
from ..devices._base import Range
from ._read import Sweep

_E = math.log(10)  # one decade in natural logarithms


class Law(NamedTuple):
    """How a model is fitted.

    Args:
        fixed: parameters that others make redundant, or that a sweep does not show.
        speeds: factors of the rate, and the sign of the voltage at which each acts (0: both).
        times: divisors of the rate.
        thresholds: parameters in volts, to be found within the swept range.
        currents: parameters in amperes, to be found within the measured range.
        pieces: whether each start is first fitted to pieces of the sweep, each from the state that
            its first current shows: for i = v G(x), where errors of the state feed back into its
            rate and whole paths soon have nothing in common with the data.
        bounds: least and greatest magnitude of other parameters; those not named may vary by a
            factor of 30 about the set's value.
    """

    fixed: tuple[str, ...] = ()
    speeds: Mapping[str, int] = {}
    times: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    currents: tuple[str, ...] = ()
    pieces: bool = False
    bounds: Mapping[str, tuple[float, float]] = {}


_DRIFT = Law(fixed=("d", "j"), speeds={"mu_v": 0}, bounds={"p": (0.3, 20)})

LAWS: dict[str, Law] = {
    "linear": Law(speeds={"k": 0}),
    "linear_ion_drift": _DRIFT,
    "joglekar": _DRIFT,
    "biolek": _DRIFT,
    "prodromakis": _DRIFT,
    "zha": _DRIFT,
    "vteam": Law(
        fixed=("w_on", "w_off"),
        speeds={"k_on": -1, "k_off": 1},
        thresholds=("v_on", "v_off"),
        bounds={
            "alpha_on": (1, 10),
            "alpha_off": (1, 10),
            "a_on": (-0.5, 1.5),
            "a_off": (-0.5, 1.5),
            "w_c": (0.01, 3),
        },
    ),
    "team": Law(
        fixed=("w_on", "w_off", "a_on", "a_off", "w_c"),
        speeds={"k_on": -1, "k_off": 1},
        currents=("i_on", "i_off"),
        pieces=True,
        bounds={"alpha_on": (1, 10), "alpha_off": (1, 10)},
    ),
    "yakopcic": Law(
        speeds={"A_p": 1, "A_n": -1},
        thresholds=("V_p", "V_n"),
        bounds={
            "b": (0.01, 20),
            "alpha_p": (0.05, 20),
            "alpha_n": (0.05, 20),
            "x_p": (0.02, 0.95),
            "x_n": (0.02, 0.95),
        },
    ),
    "yakopcic2020": Law(
        speeds={"A_p": 1, "A_n": -1},
        thresholds=("V_p", "V_n"),
        bounds={name: (0.01, 20) for name in ("b_max_p", "b_max_n", "b_min_p", "b_min_n")}
        | {"ratio_max": (0.01, 100), "ratio_min": (0.01, 100)}
        | {"x_p": (0.02, 0.95), "x_n": (0.02, 0.95)},
    ),
    "interface": Law(
        speeds={"A_p": 1, "A_n": -1},
        bounds={
            "V_f": (0.02, 0.2),
            "i_r": (1e-20, 1e-5),
            "kappa": (0.1, 10),
            "V_r": (1e-3, 3),
            "p": (0.2, 1),
            "V_p": (0.02, 2),
            "V_n": (0.02, 5),
        },
    ),
    "mms": Law(
        fixed=("T",),
        times=("tau",),
        thresholds=("V_on", "V_off"),
    ),
    "gmss": Law(
        fixed=("T", "N", "phi"),
        times=("tau",),
        thresholds=("V_on", "V_off"),
        bounds={
            "alpha_f": (1e-12, 1e-3),
            "alpha_r": (1e-12, 1e-3),
            "beta_f": (0.5, 30),
            "beta_r": (0.5, 30),
        },
    ),
    "jart": Law(
        # All free, a sweep shows T_0 and dW_a to a third, a to a quarter and nu_0 not at all.
        fixed=("a", "T_0"),
        speeds={"nu_0": 0},
        bounds={
            "r": (40.5e-9, 49.5e-9),
            "l": (0.36e-9, 0.44e-9),
            "N_min": (1e-4, 1),
            "N_max": (2, 60),
            "dW_a": (0.3, 3),
        },
    ),
    "stanford_pku": Law(
        fixed=("gap_min", "gap_max", "a_0", "beta", "t_ox", "F_min", "T_0")
        + ("delta_g", "T_crit", "T_smth", "t_step"),
        speeds={"v_0": 0},
        bounds={"V_0": (0.05, 2), "E_a": (0.2, 2), "gamma_0": (5, 50), "R_th": (1e2, 1e5)},
    ),
}


@dataclass(frozen=True)
class Layout:
    """The free quantities of a fit, in order, each with its coordinate; the last is the state.

    Hashable, so that compiled functions are shared by fits of one model.
    """

    model: str
    params: str
    options: tuple[tuple[str, str], ...]
    free: tuple[tuple[str, str], ...]  # name, kind: log, negative, number, above X

    @property
    def names(self) -> tuple[str, ...]:
        """The free parameters and x0."""
        return (*(name for name, _ in self.free), "x0")

    def device(self, z: Array, kept: Mapping[str, Array]) -> AbstractMemristor:
        """The device at coordinates `z`, its other parameters `kept`."""
        values: dict[str, Any] = {**kept, **dict(self.options)}
        for k, (name, kind) in enumerate(self.free):
            values[name] = _value(kind, z[k], values)
        return devices.MODELS[self.model](**values)

    def start(self, z: Array, device: AbstractMemristor) -> Array:
        """The initial state: ln G is the fraction z[-1] of the way to the greatest."""
        ends = device.conductance(device.lower), device.conductance(device.upper)
        low, high = jnp.minimum(*ends), jnp.maximum(*ends)
        x = device.state(jnp.exp((1 - z[-1]) * jnp.log(low) + z[-1] * jnp.log(high)))
        return jnp.clip(x, device.lower, device.upper)

    def values(self, z: Array, kept: Mapping[str, Array]) -> Array:
        """The free quantities in SI units, [k]."""
        device = self.device(z, kept)
        own = [getattr(device, name) for name, _ in self.free]
        return jnp.stack([*own, self.start(z, device)])


def _value(kind: str, z: Array, values: Mapping[str, Any]) -> Array:
    if kind.startswith("above "):
        return values[kind.removeprefix("above ")] * (1 + jnp.exp(z))
    if kind == "number":
        return z
    return jnp.exp(z) if kind == "log" else -jnp.exp(z)


class Box(NamedTuple):
    """Bounds of the coordinates, [k] each."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def plan(
    model: str, params: str | None, fixed: Mapping[str, float | str], sweep: Sweep
) -> tuple[Layout, dict[str, float], Box]:
    """The layout of a fit, the values of what is not fitted, and the box to search.

    Raises:
        BadInput: a model without rate, an unknown set, or a wrong fixed parameter.
    """
    if model not in LAWS:
        devices.default_set(model)  # refuses an unknown model
        raise BadInput(f"{model}: this model cannot be fitted.{nearest(model, LAWS)}")
    law, params = LAWS[model], params or devices.default_set(model)
    base = devices.make(model, params, **fixed)
    options = {**devices.MODELS[model].OPTIONS.get(params, {})}
    options |= {name: value for name, value in fixed.items() if isinstance(value, str)}
    names = list(devices.parameter_set(model, params))
    kept = {n: float(getattr(base, n)) for n in names if n in fixed or n in law.fixed}
    free, low, high = [], [], []
    for name in names:
        if name not in kept:
            kind, bottom, top = _coordinate(law, base, name, sweep)
            if name == "r_on" and "r_off" in kept:
                top = min(top, math.log(0.99 * kept["r_off"]))
                bottom = min(bottom, top - _E)
            free.append((name, kind))
            low.append(bottom)
            high.append(top)
    layout = Layout(model, params, tuple(options.items()), tuple(free))
    return layout, kept, Box(np.array([*low, 0.0]), np.array([*high, 1.0]))


def _coordinate(
    law: Law, base: AbstractMemristor, name: str, sweep: Sweep
) -> tuple[str, float, float]:
    """Kind and bounds of the coordinate of a parameter."""
    value = float(getattr(base, name))
    allowed: Range = next(f for f in fields(base) if f.name == name).metadata["allowed"]
    kind = "log" if allowed.low >= 0 else "negative" if allowed.high <= 0 else "number"
    g, large = _secants(base, sweep), np.abs(sweep.i) > 0.1 * np.max(np.abs(sweep.i))
    if name == "r_on":
        return "log", -math.log(g.max()) - 2 * _E, -math.log(g.max()) + 1.5 * _E
    if name == "r_off":
        spread = math.log(g.max() / g.min())
        return "above r_on", -0.5 * _E, min(spread + 3 * _E, 12 * _E)
    if ("r_off", name) in base.ORDERED:
        return "above r_off", -3 * _E, 4 * _E
    if (name, "r_on") in base.ORDERED:  # a series resistance carries the greatest current
        least = float(np.min(np.abs(sweep.v[large] / sweep.i[large])))
        return "log", math.log(least) - 3 * _E, math.log(least)
    if name in law.thresholds:
        most = float(np.max(np.abs(sweep.v)))
        return kind, math.log(0.02 * most), math.log(1.2 * most)
    if name in law.currents:
        most = float(np.max(np.abs(sweep.i)))
        return kind, math.log(0.01 * most), math.log(1.2 * most)
    if name in law.bounds:
        bottom, top = law.bounds[name]
        return (kind, bottom, top) if kind == "number" else (kind, math.log(bottom), math.log(top))
    if kind == "number":
        reach = max(abs(value), 1.0)
        return kind, value - 3 * reach, value + 3 * reach
    middle = math.log(max(abs(value), 1e-300))
    width = 12 * _E if name in (*law.speeds, *law.times) else 1.5 * _E
    return kind, middle - width, middle + width


def _secants(device: AbstractMemristor, sweep: Sweep) -> NDArray[np.float64]:
    """Conductances |i/v| (S) measured about the model's reading voltage, or the nearest to it."""
    reading = min(device.read_voltage, 0.7 * float(np.max(sweep.v)))
    if reading <= 0:  # a sweep of negative voltages alone
        reading = 0.7 * float(np.min(sweep.v))
    near = np.abs(sweep.v - reading) < 0.3 * abs(reading)
    g = np.abs(sweep.i[near] / sweep.v[near])
    if not np.any(g > 0):
        raise BadInput(f"{sweep.name}: no current about {reading:.3g} V; expected some")
    return g[g > 1e-6 * g.max()]
