"""Fits of a device model to a measured I-V sweep.

A sampled sweep is a train of short pulses: the state moves by the model's exact pulse at the mean
voltage of each interval, and the current is read at each sample. The residual is
log10 of sqrt(i^2 + f^2) over sqrt(i_data^2 + f^2): the ratio in decades where currents exceed the
noise floor f, nothing where both lie well below it. The sign of a current is that of the voltage in
every model.
"""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray
from scipy.stats import qmc

from .. import devices
from ..devices import AbstractMemristor
from ._laws import LAWS, Box, Layout, plan
from ._read import Sweep
from ._result import FitResult, Fitted
from ._search import Progress, Search, search

LEAST_VOLTAGE = 0.1  # V: the RMS errors are over |v| above it
_CANDIDATES = 512  # evaluated to choose the starts
_DOUBT = 0.2  # relative standard error above which a parameter counts as undetermined

Report = Callable[[str, Progress], object]


def sampled(device: AbstractMemristor, x0: Array, t: Array, v: Array) -> tuple[Array, Array]:
    """Current (A) and state at the samples of a sweep t (s), v (V), each [n], from state `x0`."""

    def step(x, interval):
        x = device.pulse(x, *interval)
        return x, x

    intervals = (v[1:] + v[:-1]) / 2, jnp.diff(t)
    _, later = lax.scan(step, x0, intervals)
    x = jnp.concatenate([x0[None], later])
    return device.current(v, x), x


def fit_sweep(
    sweep: Sweep,
    model: str,
    *,
    params: str | None = None,
    fixed: Mapping[str, float | str] | None = None,
    log: bool | None = None,
    starts: int = 16,
    budget: float = 60.0,
    seed: int = 0,
    progress: Report | None = None,
) -> FitResult:
    """Fit a model's parameters and the initial state to a sweep, from several starts.

    Args:
        sweep: the measurement.
        model: a model in `LAWS`.
        params: the parameter set whose options and fixed values are kept; the model's first.
        fixed: parameters to hold, in SI units, and structural options.
        log: weigh the logarithm of the current rather than the current; None: where the data span a
            decade.
        starts: local searches, from the best of a seeded low-discrepancy sample of the box.
        budget: seconds, compilation included; the best so far is returned.
        seed: of the sample.
        progress: told the model's name and a `Progress` at each evaluation.

    Returns:
        The result; Ctrl-C ends the search and returns the best so far.

    Raises:
        BadInput: a model that cannot be fitted, an unknown set or a wrong fixed parameter.
        KeyboardInterrupt: before anything was evaluated.
    """
    began = time.monotonic()
    layout, kept, box = plan(model, params, fixed or {}, sweep)
    log = _spans_decades(sweep) if log is None else log
    scale = noise_floor(sweep) if log else float(np.sqrt(np.mean(sweep.i**2)))
    data = (jnp.asarray(sweep.t), jnp.asarray(sweep.v), jnp.asarray(sweep.i), jnp.asarray(scale))
    frozen = {name: jnp.asarray(value) for name, value in kept.items()}
    residuals = partial(_residuals, layout, log)
    first = _starts(layout, log, box, frozen, data, starts, seed)
    found = search(
        lambda z: np.asarray(residuals(jnp.asarray(z), frozen, *data)),
        lambda z: np.asarray(_jacobian(layout, log, jnp.asarray(z), frozen, *data)),
        box.low,
        box.high,
        first,
        budget=budget - (time.monotonic() - began),
        progress=None if progress is None else partial(progress, model),
    )
    return _result(sweep, layout, kept, box, found, log, scale, frozen, data, seed)


def fit_every(
    sweep: Sweep, models: tuple[str, ...] | None = None, *, budget: float = 60.0, **options: Any
) -> list[FitResult]:
    """Fit several models, all that can be fitted where None, each for its share of `budget`.

    Returns the results by rising BIC, the likeliest first. Residuals of neighbouring samples are
    not independent, so differences of the criteria are overstated; their order is not.
    """
    models = tuple(LAWS) if models is None else models
    share = budget / len(models)
    results = []
    for model in models:
        results.append(fit_sweep(sweep, model, budget=share, **options))
        if results[-1].how["ended"] == "interrupted":
            break
    return sorted(results, key=lambda result: result.statistics["bic"])


def noise_floor(sweep: Sweep) -> float:
    """The current (A) below which the data are noise: half the median |i| at the least 2 % of |v|.

    At least 1e-7 of the greatest current, so that exact data have a floor too.
    """
    count = max(3, len(sweep.v) // 50)
    quiet = np.argsort(np.abs(sweep.v), kind="stable")[:count]
    most = float(np.max(np.abs(sweep.i)))
    return max(0.5 * float(np.median(np.abs(sweep.i[quiet]))), 1e-7 * most)


def _spans_decades(sweep: Sweep) -> bool:
    size = np.abs(sweep.i[np.abs(sweep.v) > 0.1 * np.max(np.abs(sweep.v))])
    low, high = np.quantile(size, [0.05, 0.95])
    return bool(high > 10 * low)


def _misfit(log: bool, i: Array, data: Array, scale: Array) -> Array:
    if log:
        return jnp.log10((i**2 + scale**2) / (data**2 + scale**2)) / 2
    return (i - data) / scale


@partial(jax.jit, static_argnums=(0, 1))
def _residuals(layout: Layout, log: bool, z, kept, t, v, i, scale) -> Array:
    device = layout.device(z, kept)
    return _misfit(log, sampled(device, layout.start(z, device), t, v)[0], i, scale)


@partial(jax.jit, static_argnums=(0, 1))
def _jacobian(layout: Layout, log: bool, z, kept, t, v, i, scale) -> Array:
    return jax.jacfwd(lambda z: _residuals(layout, log, z, kept, t, v, i, scale))(z)


@partial(jax.jit, static_argnums=(0, 1))
def _costs(layout: Layout, log: bool, candidates, kept, t, v, i, scale) -> Array:
    """Sum of squares of each candidate [c, k], where residuals beyond 3 count as 3."""

    def cost(z):
        r = _residuals(layout, log, z, kept, t, v, i, scale)
        return jnp.sum(jnp.minimum(jnp.where(jnp.isfinite(r), r**2, 9.0), 9.0))

    return lax.map(cost, candidates, batch_size=256)


@partial(jax.jit, static_argnums=(0,))
def _reaches(layout: Layout, candidates, kept, t, v) -> tuple[Array, Array]:
    """Spans travelled at the rate in mid-conductance, under v < 0 and under v > 0, [c] each."""

    def reach(z):
        device = layout.device(z, kept)
        x = layout.start(z.at[-1].set(0.5), device)
        speed = jnp.abs(device.rate(v, x)) / jnp.abs(device.upper - device.lower)
        weight = jnp.gradient(t)
        return jnp.sum(speed * weight * (v < 0)), jnp.sum(speed * weight * (v > 0))

    return jax.vmap(reach)(candidates)


def _starts(layout: Layout, log: bool, box: Box, kept, data, starts: int, seed: int) -> NDArray:
    """The best of a Sobol sample of the box, its speeds such that the state crosses its span."""
    size = len(box.low)
    sample = qmc.Sobol(size, seed=seed).random(_CANDIDATES)
    z = box.low + sample * (box.high - box.low)
    law = LAWS[layout.model]
    names = [name for name, _ in layout.free]
    columns = [k for k, name in enumerate(names) if name in (*law.speeds, *law.times)]
    if columns:
        z[:, columns] = (box.low + box.high)[columns] / 2
        down, up = (np.asarray(r) for r in _reaches(layout, jnp.asarray(z), kept, *data[:2]))
        for k in columns:
            sign = law.speeds.get(names[k], 0)
            reach = down if sign < 0 else up if sign > 0 else np.maximum(down, up)
            with np.errstate(divide="ignore"):
                faster = np.where(reach > 0, -np.log(reach), 0.0)
            # from a tenth of the span to thirty spans
            wanted = faster + np.log(0.1) + sample[:, k] * np.log(300)
            wanted = -wanted if names[k] in law.times else wanted
            z[:, k] = np.clip(z[:, k] + wanted, box.low[k], box.high[k])
    costs = np.asarray(_costs(layout, log, jnp.asarray(z), kept, *data))
    return z[np.argsort(costs, kind="stable")[:starts]]


def _result(
    sweep: Sweep,
    layout: Layout,
    kept: Mapping[str, float],
    box: Box,
    found: Search,
    log: bool,
    scale: float,
    frozen,
    data,
    seed: int,
) -> FitResult:
    z = jnp.asarray(found.z)
    jacobian = np.asarray(_jacobian(layout, log, z, frozen, *data))
    values = np.asarray(layout.values(z, frozen))
    device = layout.device(z, frozen)
    span = abs(float(device.upper - device.lower))
    covariance, blind = covariance_of(jacobian, found.residuals)
    to_values = np.asarray(jax.jacfwd(layout.values)(z, frozen))
    errors, correlation = _errors(to_values @ covariance @ to_values.T)
    errors[blind] = math.inf
    width = box.high - box.low
    parameters, others = {}, {}
    units = {name: p.unit for name, p in devices.parameter_set(layout.model, layout.params).items()}
    for k, name in enumerate(layout.names):
        size = span if name == "x0" else abs(values[k])
        doubt = ""
        if min(found.z[k] - box.low[k], box.high[k] - found.z[k]) < 1e-3 * width[k]:
            doubt = "at the bound of its range"
        elif blind[k]:
            doubt = "changes nothing that other parameters could not undo"
        elif errors[k] > _DOUBT * size:
            doubt = f"standard error {errors[k] / size:.0%} of its size"
        (others if name == "x0" else parameters)[name] = Fitted(
            float(values[k]), units.get(name, "state"), float(errors[k]), doubt
        )
    every = {
        name: parameters.get(name) or Fitted(float(kept[name]), unit)
        for name, unit in units.items()
    }
    i, x = sampled(device, layout.start(z, device), *data[:2])
    i, x = np.asarray(i), np.asarray(x)
    how = {
        "residual": "log" if log else "linear",
        "scale": scale,
        "ended": found.ended,
        "starts": found.starts,
        "agreeing": found.agreeing,
        "evaluations": found.evaluations,
        "seconds": found.seconds,
        "seed": seed,
        "data": sweep.name,
    }
    return FitResult(
        "iv",
        layout.model,
        layout.params,
        dict(layout.options),
        every,
        others,
        layout.names,
        correlation,
        statistics(found.residuals, len(found.z)) | rms_errors(sweep, i),
        {"t": sweep.t, "v": sweep.v, "i_data": sweep.i, "i_model": i, "x": x},
        how,
        sweep.notes,
    )


def covariance_of(jacobian: NDArray, residuals: NDArray) -> tuple[NDArray, NDArray[np.bool_]]:
    """Covariance s^2 (J^T J)^-1 [k, k], and which coordinates lie in a direction J does not see.

    s^2 is the mean square residual over n - k. Directions whose singular value is below 1e-8 of
    the greatest are left out of the inverse.
    """
    n, k = jacobian.shape
    _, s, rows = np.linalg.svd(np.nan_to_num(jacobian), full_matrices=False)
    seen = s > 1e-8 * max(s.max(), 1e-300)
    inverse = rows[seen].T / np.maximum(s[seen], 1e-300)
    variance = float(residuals @ residuals) / max(n - k, 1)
    blind = np.any(np.abs(rows[~seen]) > 0.05, axis=0)
    return variance * inverse @ inverse.T, blind


def _errors(covariance: NDArray) -> tuple[NDArray, NDArray]:
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    scale = np.where(errors > 0, errors, 1.0)
    return errors, covariance / np.outer(scale, scale)


def statistics(residuals: NDArray, k: int) -> dict[str, float]:
    """n, k and the information criteria of normal residuals (their variance a parameter too)."""
    n, free = len(residuals), k + 1
    fit = n * math.log(max(float(residuals @ residuals), 1e-300) / n)
    aic = fit + 2 * free
    return {
        "n": float(n),
        "k": float(k),
        "aic": aic,
        "aicc": aic + 2 * free * (free + 1) / (n - free - 1) if n > free + 1 else math.inf,
        "bic": fit + free * math.log(n),
    }


def rms_errors(sweep: Sweep, i: NDArray) -> dict[str, float]:
    """RMS of log10|i/i_data| over |v| > 0.1 V (or a tenth of the range) in decades, and of i in A.

    Samples of exactly 0 A have no logarithm and are left out.
    """
    least = min(LEAST_VOLTAGE, 0.1 * float(np.max(np.abs(sweep.v))))
    used = (np.abs(sweep.v) > least) & (sweep.i != 0) & (i != 0)
    decades = np.log10(np.abs(i[used] / sweep.i[used]))
    return {
        "rms_log": float(np.sqrt(np.mean(decades**2))) if np.any(used) else math.inf,
        "rms_linear": float(np.sqrt(np.mean((i - sweep.i) ** 2))),
    }
