"""Fits of a device model to a measured I-V sweep."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray
from scipy.stats import qmc

from .. import devices
from ._laws import LAWS, Box, Layout, plan
from ._problem import Problem
from ._read import Sweep, require_points
from ._result import UNKNOWN, FitResult, Fitted
from ._search import Progress, Search, search

LEAST_VOLTAGE = 0.1  # V: the RMS errors are over |v| above it
_CANDIDATES = 512  # evaluated to choose the starts, a power of 2
_SAMPLING = 12.0  # s, for the candidates of a model that is slow to evaluate
_AGREE = 3  # starts that must lead to the best point

Report = Callable[[str, Progress], object]


def fit_sweep(
    sweep: Sweep,
    model: str,
    *,
    params: str | None = None,
    fixed: Mapping[str, float | str] | None = None,
    log: bool | None = None,
    starts: int = 16,
    budget: float = 45.0,
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
        BadInput: a model that cannot be fitted, an unknown set, a wrong fixed parameter, no more
            points than unknowns.
        KeyboardInterrupt: before anything was evaluated.
    """
    began = time.monotonic()
    layout, kept, box = plan(model, params, fixed or {}, sweep)
    require_points(sweep.name, model, len(sweep.t), layout.names)
    log = _spans_decades(sweep) if log is None else log
    scale = noise_floor(sweep) if log else float(np.sqrt(np.mean(sweep.i**2)))
    problem = Problem(layout, kept, sweep, log, scale)
    found = search(
        problem.residuals,
        problem.jacobian,
        box.low,
        box.high,
        _starts(problem, box, starts, seed, began + min(budget / 3, _SAMPLING)),
        agree=_AGREE,
        first=problem.pieces() if LAWS[model].pieces else None,
        budget=budget - (time.monotonic() - began),
        progress=None if progress is None else partial(progress, model),
    )
    return _result(problem, box, found, seed)


def fit_every(
    sweep: Sweep, models: tuple[str, ...] | None = None, *, budget: float = 300.0, **options: Any
) -> list[FitResult]:
    """Fit several models, all that can be fitted where None, within `budget` seconds together.

    Returns the results by rising BIC, the likeliest first; a note names the models of too many
    unknowns, another those for which no time was left. Residuals of neighbouring samples are not
    independent, so differences of the criteria are overstated; their order is not.
    """
    models = tuple(LAWS) if models is None else models
    began, results, points = time.monotonic(), [], len(sweep.t)
    held = options.get("params"), options.get("fixed") or {}
    every = {model: len(plan(model, *held, sweep)[0].names) for model in models}
    # The first is refused with the reason where none has few enough unknowns.
    models = tuple(model for model, unknowns in every.items() if unknowns < points) or models[:1]
    for k, model in enumerate(models):
        left = budget - (time.monotonic() - began)
        if results and (left <= 0 or results[-1].how["ended"] == "interrupted"):
            break
        try:
            results.append(fit_sweep(sweep, model, budget=left / (len(models) - k), **options))
        except KeyboardInterrupt:
            if not results:
                raise
            results[-1].how["ended"] = "interrupted"
    # A model whose first search did not end has not been fitted.
    stopped = results[-1].how["ended"] == "interrupted"
    results = [result for result in results if result.how["starts"]] or results[-1:]
    results = sorted(results, key=lambda result: result.statistics["bic"])
    if len(results) < len(models):
        fitted = {result.model for result in results}
        late = ", ".join(model for model in models if model not in fitted)
        why = "as it was interrupted" if stopped else "for lack of time"
        note = f"not fitted {why}: {late}; a greater --budget, or --model, allows it"
        results[0] = replace(results[0], notes=(*results[0].notes, note))
    if len(models) < len(every):
        left_out = ", ".join(model for model in every if model not in models)
        note = f"not fitted, as {points} points are too few for their unknowns: {left_out}"
        results[0] = replace(results[0], notes=(*results[0].notes, note))
    return results


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


@partial(jax.jit, static_argnums=0)
def _reaches(layout: Layout, candidates, kept, t, v) -> tuple[Array, Array]:
    """Spans travelled at the rate in mid-conductance, under v < 0 and under v > 0, [c] each."""

    def reach(z):
        device = layout.device(z, kept)
        x = layout.start(z.at[-1].set(0.5), device)
        speed = jnp.abs(device.rate(v, x)) / jnp.abs(device.upper - device.lower)
        weight = jnp.gradient(t)
        return jnp.sum(speed * weight * (v < 0)), jnp.sum(speed * weight * (v > 0))

    return lax.map(reach, candidates)


def _starts(problem: Problem, box: Box, starts: int, seed: int, until: float) -> NDArray:
    """The best of each part of a Sobol sample of the box, so that they lie far apart.

    The speeds are chosen such that the state crosses its span. Past the time `until` (s, monotonic)
    the sample ends, though not before it has a candidate for each start.
    """
    layout = problem.layout
    sobol = qmc.Sobol(len(box.low), seed=seed)  # pyright: ignore[reportCallIssue] (`rng` is newer)
    sample = sobol.random(_CANDIDATES)
    z = box.low + sample * (box.high - box.low)
    law = LAWS[layout.model]
    names = [name for name, _ in layout.free]
    columns = [k for k, name in enumerate(names) if name in (*law.speeds, *law.times)]
    if columns:
        z[:, columns] = (box.low + box.high)[columns] / 2
        reached = _reaches(layout, jnp.asarray(z), problem.frozen, *problem.drive)
        down, up = (np.asarray(r) for r in reached)
        for k in columns:
            sign = law.speeds.get(names[k], 0)
            reach = down if sign < 0 else up if sign > 0 else np.maximum(down, up)
            with np.errstate(divide="ignore"):
                faster = np.where(reach > 0, -np.log(reach), 0.0)
            # from a tenth of the span to thirty spans
            wanted = faster + np.log(0.1) + sample[:, k] * np.log(300)
            wanted = -wanted if names[k] in law.times else wanted
            z[:, k] = np.clip(z[:, k] + wanted, box.low[k], box.high[k])
    costs = []
    for candidate in z:
        # Residuals beyond 3 count as 3, lest a single sample decide.
        costs.append(np.nansum(np.minimum(problem.residuals(candidate) ** 2, 9.0)))
        if len(costs) >= starts and time.monotonic() > until:
            break
    costs = np.array(costs)
    parts = np.array_split(np.arange(len(costs)), min(starts, len(costs)))
    best = np.array([part[np.argmin(costs[part])] for part in parts])
    return z[best[np.argsort(costs[best], kind="stable")]]


def _result(problem: Problem, box: Box, found: Search, seed: int) -> FitResult:
    layout, sweep = problem.layout, problem.sweep
    jacobian, to_values = problem.slopes(found.z)
    i, values, x = problem.curves(found.z)
    device = layout.device(jnp.asarray(found.z), problem.frozen)
    span = abs(float(device.upper - device.lower))
    sizes = np.append(np.abs(values[:-1]), span)
    covariance, blind = covariance_of(jacobian, found.residuals, to_values / sizes[:, None])
    errors, correlation = _errors(to_values @ covariance @ to_values.T)
    errors[blind] = math.inf
    width = box.high - box.low
    parameters, others = {}, {}
    units = {name: p.unit for name, p in devices.parameter_set(layout.model, layout.params).items()}
    for k, name in enumerate(layout.names):
        doubt, within = "", 2 * float(errors[k]) / sizes[k]
        if min(found.z[k] - box.low[k], box.high[k] - found.z[k]) < 1e-3 * width[k]:
            doubt = "at the bound of its range"
        elif blind[k] or within > 10:
            doubt = "changes nothing that other parameters could not undo"
        elif within > UNKNOWN:
            doubt = f"known to {within:.0%} at best"
        (others if name == "x0" else parameters)[name] = Fitted(
            float(values[k]), units.get(name, "state"), float(errors[k]), doubt, within
        )
    every = {
        name: parameters.get(name) or Fitted(float(problem.kept[name]), unit)
        for name, unit in units.items()
    }
    how = {
        "residual": "log" if problem.log else "linear",
        "scale": problem.scale,
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


def covariance_of(
    jacobian: NDArray, residuals: NDArray, to_values: NDArray | None = None
) -> tuple[NDArray, NDArray[np.bool_]]:
    """Covariance s^2 c (J^T J)^-1 [k, k], and which values change in a direction J does not see.

    The values are the coordinates themselves, or such as have the derivatives `to_values` [k, k].

    s^2 is the mean square residual over n - k, and c = (1 + r)/(1 - r) with the correlation r of
    neighbouring residuals, where that is positive: n such residuals tell as much as n/c independent
    ones. Directions whose singular value is below 1e-8 of the greatest are left out of the inverse.
    """
    n, k = jacobian.shape
    _, s, rows = np.linalg.svd(np.nan_to_num(jacobian), full_matrices=False)
    seen = s > 1e-8 * max(s.max(), 1e-300)
    inverse = rows[seen].T / np.maximum(s[seen], 1e-300)
    square = float(residuals @ residuals)
    r = np.clip(float(residuals[1:] @ residuals[:-1]) / max(square, 1e-300), 0, 0.99)
    variance = square / max(n - k, 1) * (1 + r) / (1 - r)
    unseen = rows[~seen] if to_values is None else rows[~seen] @ to_values.T
    blind = np.any(np.abs(unseen) > 0.05, axis=0)
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
