"""Fits of a device model to a measured pulse response.

    x_(k+1) = x_k after one more pulse
    y = g_low + (g_high - g_low) (G(x) - 1/r_off)/(1/r_on - 1/r_off)

y is the reading, g_low and g_high what would be read at the device's bounds. In siemens they are
1/r_off and 1/r_on. Normalised readings show neither resistance: r_on and r_off stay those of the
parameter set, and g_low and g_high are offset and scale of the weight of a pulse-step model,

    w = w_min + (w_max - w_min) (y - g_low)/(g_high - g_low)

The fit is of the mean: least squares of the readings against the noiseless device. The scatter
about it then gives a pulse-step model's noise.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray
from scipy.stats import qmc

from .. import devices
from ..devices import AbstractMemristor, AbstractStep
from ..devices._steps._linear import AbstractLinearStep
from ._fit import Report, covariance_of
from ._pulse_laws import STEP_MODELS, PulseLayout, PulsePlan, gathered, plan_pulses
from ._pulse_noise import correlation_length, distance_of_means, noise_of, scatter
from ._read import require_points
from ._read_pulses import PulseData
from ._result import UNKNOWN, FitResult, Fitted
from ._search import Search, search

WINDOW = 25  # pulses averaged where the data are compared with their own mean
_CANDIDATES = 512  # evaluated to choose the starts

_READINGS = ("g_low", "g_high", "start_up", "start_down")

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class PulseFit(FitResult):
    """A `FitResult` whose parameters `nodes_up[1]`, `nodes_up[2]`, ... are one list of nodes."""

    def device(self) -> AbstractMemristor:
        """The fitted device."""
        values = gathered({name: p.value for name, p in self.parameters.items()})
        return devices.make(self.model, self.params, **values, **self.options)

    def device_section(self) -> dict[str, Any]:
        """The `device` section of a spec, as plain numbers, lists of them and text."""
        values = gathered({name: float(p.value) for name, p in self.parameters.items()})
        first = {name: values.pop(name) for name in ("r_on", "r_off")}
        return {"model": self.model, "params": self.params, **first} | {
            "overrides": values | self.options
        }


def fit_pulses(
    data: PulseData,
    model: str,
    *,
    params: str | None = None,
    fixed: Mapping[str, float | str] | None = None,
    amplitude: float | tuple[float, float] | None = None,
    width: float | tuple[float, float] | None = None,
    starts: int = 16,
    budget: float = 60.0,
    seed: int = 0,
    progress: Report | None = None,
) -> PulseFit:
    """Fit a model's parameters to the mean of a measured pulse response, from several starts.

    Statistics beside those of every fit, in units of the readings: `rms` of the readings; and of
    each branch `spread_`, the standard deviation of the readings about their running mean over
    `window` = 25 pulses (fewer where a branch is shorter than 100), and `means_`, the RMS distance
    of model and data after both are averaged over consecutive blocks of as many pulses.

    What one pulse adds at random stays, so neighbouring residuals are alike. With tau =
    `correlation_pulses` = 1 + 2 sum of their autocorrelations, n readings count as n/tau
    independent ones: in the standard errors and in the information criteria.

    Args:
        data: the measurement.
        model: a pulse-step model, or a state model driven by pulses of known amplitude and width.
        params: the parameter set whose options and fixed values are kept; the model's first.
        fixed: parameters to hold, in SI units, and structural options.
        amplitude: magnitude of the pulses, V, or one each for potentiation and depression; needed
            for state models. For a pulse-step model it becomes the unit pulse's.
        width: s, likewise.
        starts: local searches, from the best of a seeded low-discrepancy sample of the box.
        budget: seconds, compilation included; the best so far is returned.
        seed: of the sample.
        progress: told the model's name and a `Progress` at each evaluation.

    Returns:
        The result; Ctrl-C ends the search and returns the best so far.

    Raises:
        BadInput: a model without such a fit, an unknown set, a wrong parameter or pulse, no more
            readings than unknowns.
        KeyboardInterrupt: before anything was evaluated.
    """
    plan = plan_pulses(data, model, params, fixed or {}, amplitude, width)
    layout = plan.layout
    y = np.concatenate(list(data.branches.values()))
    require_points(data.name, model, len(y), layout.names)
    kept = {name: jnp.asarray(value) for name, value in plan.kept.items()}
    common = tuple(jnp.asarray(a) for a in (plan.v, plan.t, y, np.ptp(y)))
    sobol = qmc.Sobol(len(plan.low), seed=seed)  # pyright: ignore[reportCallIssue] (new stubs: rng)
    z = plan.low + sobol.random(_CANDIDATES) * (plan.high - plan.low)
    costs = np.asarray(_costs(layout, jnp.asarray(z), kept, *common))
    # The best of each part of the sample: the best of all lie in one valley.
    parts = np.array_split(np.arange(_CANDIDATES), min(starts, _CANDIDATES))
    best = np.array([part[np.argmin(costs[part])] for part in parts])
    found = search(
        lambda z: np.asarray(_residuals(layout, jnp.asarray(z), kept, *common)),
        lambda z: np.asarray(_jacobian(layout, jnp.asarray(z), kept, *common)),
        plan.low,
        plan.high,
        z[best[np.argsort(costs[best], kind="stable")]],
        budget=budget,
        progress=None if progress is None else partial(progress, model),
    )
    how = {
        "residual": "linear",
        "ended": found.ended,
        "starts": found.starts,
        "agreeing": found.agreeing,
        "evaluations": found.evaluations,
        "seconds": found.seconds,
        "seed": seed,
        "data": data.name,
        "amplitude_volt": plan.v.tolist(),
        "width_second": plan.t.tolist(),
    }
    slopes = np.asarray(_jacobian(layout, jnp.asarray(found.z), kept, *common))
    return _result(data, plan, found, kept, slopes, how)


def rank_pulses(
    data: PulseData, models: tuple[str, ...] | None = None, *, budget: float = 60.0, **options: Any
) -> list[PulseFit]:
    """Fit several models, every pulse-step model where None, each for its share of `budget`.

    Returns the results by rising BIC, the likeliest first; a note names the models of too many
    unknowns, which are left out. All with the correlation of the
    residuals that is the least among them, for what a poor model misses is no noise.
    """
    models = STEP_MODELS if models is None else models
    points = sum(len(y) for y in data.branches.values())
    pulse = options.get("amplitude"), options.get("width")
    every = {m: len(plan_pulses(data, m, None, {}, *pulse).layout.names) for m in models}
    # The first is refused with the reason where none has few enough unknowns.
    models = tuple(m for m, unknowns in every.items() if unknowns < points) or models[:1]
    results = []
    for model in models:
        try:
            results.append(fit_pulses(data, model, budget=budget / len(models), **options))
        except KeyboardInterrupt:
            if not results:
                raise
            results[-1].how["ended"] = "interrupted"
        if results[-1].how["ended"] == "interrupted":
            break
    tau = min(result.statistics["correlation_pulses"] for result in results)
    results = [replace(r, statistics=r.statistics | criteria(r.statistics, tau)) for r in results]
    results = sorted(results, key=lambda result: result.statistics["bic"])
    if len(models) < len(every):
        left_out = ", ".join(m for m in every if m not in models)
        note = f"not fitted, as {points} readings are too few for their unknowns: {left_out}"
        results[0] = replace(results[0], notes=(*results[0].notes, note))
    return results


def criteria(numbers: Mapping[str, float], tau: float) -> dict[str, float]:
    """Information criteria of normal residuals whose n readings count as n/tau independent ones."""
    n, free = numbers["n"] / tau, numbers["k"] + 1
    fit = 2 * n * math.log(max(numbers["rms"], 1e-150))
    correction = 2 * free * (free + 1) / (n - free - 1) if n > free + 1 else math.inf
    aic = fit + 2 * free
    return {"aic": aic, "aicc": aic + correction, "bic": fit + free * math.log(n)}


def pulsed(
    device: AbstractMemristor, x: Array, v: Array, t: Array, ways: Array, pulses: int
) -> Array:
    """States [pulses + 1, b] of b branches from `x` [b], under identical pulses v (V), t (s) [b].

    A pulse-step model makes one step a pulse, upwards where `ways` [b] says so.
    """
    if isinstance(device, AbstractLinearStep):  # has all its steps in closed form
        return device.steps(x, ways, jnp.arange(pulses + 1.0)[:, None])

    def step(x, _):
        if isinstance(device, AbstractStep):
            x = jnp.clip(x + device.step(x, ways), device.lower, device.upper)
        else:
            x = device.pulse(x, v, t)
        return x, x

    return jnp.concatenate([x[None], lax.scan(step, x, None, length=pulses)[1]])


@partial(jax.jit, static_argnums=0)
def _curves(layout: PulseLayout, z, kept, v, t) -> tuple[Array, Array]:
    """Readings and states, the branches one after another, [n] each."""
    every = layout.quantities(z, kept)
    device = layout.device(every)
    ends = device.conductance(device.lower), device.conductance(device.upper)
    least, most = jnp.minimum(*ends), jnp.maximum(*ends)
    low, high = every["g_low"], every["g_high"]
    start = jnp.stack([every["start_up" if way else "start_down"] for way in layout.ways])
    part = jnp.clip((start - low) / (high - low), 0, 1)
    x = jnp.clip(device.state(least + part * (most - least)), device.lower, device.upper)
    x = pulsed(device, x, v, t, jnp.asarray(layout.ways), max(layout.lengths) - 1)
    y = low + (high - low) * (device.conductance(x) - least) / (most - least)
    y, x = (jnp.concatenate([a[:n, k] for k, n in enumerate(layout.lengths)]) for a in (y, x))
    return y, x


@partial(jax.jit, static_argnums=0)
def _residuals(layout: PulseLayout, z, kept, v, t, y, scale) -> Array:
    return (_curves(layout, z, kept, v, t)[0] - y) / scale


@partial(jax.jit, static_argnums=0)
def _jacobian(layout: PulseLayout, z, *common) -> Array:
    return jax.jacfwd(lambda z: _residuals(layout, z, *common))(z)


@partial(jax.jit, static_argnums=0)
def _costs(layout: PulseLayout, candidates, *common) -> Array:
    """Sum of squares of each candidate [c, k]; infinite where a residual is not finite."""

    def cost(z):
        r = _residuals(layout, z, *common)
        return jnp.where(jnp.all(jnp.isfinite(r)), jnp.sum(r**2), jnp.inf)

    return jax.vmap(cost)(candidates)


def _result(
    data: PulseData,
    plan: PulsePlan,
    found: Search,
    kept: Mapping[str, Array],
    slopes: Vector,
    how: dict[str, Any],
) -> PulseFit:
    layout, branches = plan.layout, data.branches
    y = np.concatenate(list(branches.values()))
    curves = _curves(layout, jnp.asarray(found.z), kept, plan.v, plan.t)
    model, x = (np.asarray(a) for a in curves)
    cuts = np.cumsum(layout.lengths)[:-1]
    tau = correlation_length(np.split(y - model, cuts))
    parameters, others, correlation = _estimates(plan, found, kept, slopes, tau)
    window = min(WINDOW, max(3, min(layout.lengths) // 8 * 2 + 1))
    numbers = {
        "n": float(len(y)),
        "k": float(len(found.z)),
        "rms": float(np.sqrt(np.mean((model - y) ** 2))),
        "correlation_pulses": tau,
        "window": float(window),
    }
    numbers |= criteria(numbers, tau)
    for (name, own), fit in zip(branches.items(), np.split(model, cuts), strict=True):
        numbers[f"spread_{name}"] = scatter(own, window)
        numbers[f"means_{name}"] = distance_of_means(own, fit, window)
    result = PulseFit(
        "pulses",
        layout.model,
        layout.params,
        dict(layout.options),
        parameters,
        others,
        layout.names,
        correlation,
        numbers,
        {
            "branch": np.repeat([1.0 if way else -1.0 for way in layout.ways], layout.lengths),
            "pulse": np.concatenate([np.arange(n, dtype=float) for n in layout.lengths]),
            f"{'g' if data.siemens else 'y'}_data": y,
            f"{'g' if data.siemens else 'y'}_model": model,
            "x": x,
        },
        how,
        data.notes,
    )
    if not data.siemens:
        result = replace(result, notes=(*data.notes, _weights(result)))
    return result if "dw_min_std" not in parameters else _with_noise(result, plan, y - model)


def _estimates(
    plan: PulsePlan, found: Search, kept: Mapping[str, Array], slopes: Vector, tau: float
) -> tuple[dict[str, Fitted], dict[str, Fitted], Vector]:
    """Parameters, other quantities, and the correlation matrix of those that were varied."""
    layout, z = plan.layout, jnp.asarray(found.z)
    values = np.asarray(layout.values(z, kept))
    # Alternating residuals of the same size: tau stands for the correlation of the true ones.
    size = np.sqrt(np.mean(found.residuals**2))
    covariance, blind = covariance_of(slopes, size * (-1.0) ** np.arange(len(slopes)))
    to_values = np.asarray(jax.jacfwd(layout.values)(z, kept))
    covariance = tau * to_values @ covariance @ to_values.T
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    divisor = np.where(errors > 0, errors, 1.0)
    correlation = covariance / np.outer(divisor, divisor)
    errors[blind] = math.inf
    units = {name: p.unit for name, p in devices.parameter_set(layout.model, layout.params).items()}
    reading, width = "S" if layout.siemens else "1", plan.high - plan.low
    varied = {}
    for k, name in enumerate(layout.names):
        doubt, size = "", abs(values[k])
        if layout.free[k][1] == "number":
            size = max(size, width[k] / 10)  # zero is a value like any other
        if min(found.z[k] - plan.low[k], plan.high[k] - found.z[k]) < 1e-3 * width[k]:
            doubt = "at the bound of its range"
        elif blind[k]:
            doubt = "changes nothing that other parameters could not undo"
        elif 2 * errors[k] > UNKNOWN * size:
            doubt = f"standard error {errors[k] / size:.0%} of its size"
        unit = reading if name in _READINGS else units.get(name, "1")
        within = float(2 * errors[k] / max(size, 1e-300))
        varied[name] = Fitted(float(values[k]), unit, float(errors[k]), doubt, within)
    every = {name: float(value) for name, value in layout.quantities(z, kept).items()}
    others = {
        name: varied.get(name) or Fitted(every[name], reading)
        for name in _READINGS
        if name in every and not (layout.siemens and name.startswith("g_"))
    }
    parameters = {}
    for name, unit in units.items():
        nodes = {n: p for n, p in varied.items() if n.startswith(f"{name}[")}
        parameters |= nodes or {name: varied.get(name) or Fitted(every[name], unit)}
    return parameters, others, correlation


def _weights(result: PulseFit) -> str:
    """How normalised readings and the device hang together, in words."""
    low, high = (result.others[name].value for name in ("g_low", "g_high"))
    device = result.device()
    if not isinstance(device, AbstractStep):
        return (
            f"conductance = 1/r_off + (1/r_on - 1/r_off) (reading {-low:+.6g})/{high - low:.6g}; "
            "r_on and r_off are not in the data"
        )
    scale = float(device.w_max - device.w_min) / (high - low)
    offset = float(device.w_min) - scale * low
    return (
        f"weight = {scale:.6g} x reading {offset:+.6g}, so that the device's bounds are readings "
        f"{low:.4g} and {high:.4g}; r_on and r_off are not in the data"
    )


def _with_noise(result: PulseFit, plan: PulsePlan, away: Vector) -> PulseFit:
    """The noise of a pulse-step model from what the data are `away` from the mean."""
    device, layout, x = result.device(), plan.layout, result.curves["x"]
    assert isinstance(device, AbstractStep)
    every = result.parameters | result.others
    ends = ("r_off", "r_on") if layout.siemens else ("g_low", "g_high")
    low, high = (1 / every[n].value if layout.siemens else every[n].value for n in ends)
    away = away * float(device.w_max - device.w_min) / (high - low)
    unit = replace(device, dw_min_std=jnp.ones(())).noise(x, result.curves["branch"] > 0)
    cuts = np.cumsum(layout.lengths)[:-1]
    cycle, cycle_se, write, write_se = noise_of(
        np.split(away, cuts), np.split(np.asarray(unit), cuts)
    )
    size = float(device.dw_min)
    found = {"dw_min_std": (cycle, cycle_se), "write_noise_std": (write / size, write_se / size)}
    new = {
        name: Fitted(
            value, "1", se, "" if 2 * se <= UNKNOWN * value else "too little scatter to tell"
        )
        for name, (value, se) in found.items()
        if name not in plan.fixed and math.isfinite(value)
    }
    return replace(result, parameters=result.parameters | new)
