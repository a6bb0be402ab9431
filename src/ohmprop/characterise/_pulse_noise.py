"""The scatter of a measured pulse response: about its own mean, and as noise of a device.

What a pulse adds at random stays, what a reading adds does not: of residuals r about the mean

    (1/2) <(r_(k+L) - r_k)^2> = s_w^2 + (L/2) s_c^2

for cycle-to-cycle noise s_c a pulse and write noise s_w a reading, as long as the L pulses do not
pull the weight back. A straight line through L = 1 to 25 gives both.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
_LAGS = 25
_PARTS = 4  # of a branch, for the standard errors


def scatter(y: Vector, window: int) -> float:
    """Standard deviation of readings [n] about their running mean over `window` (odd) pulses.

    Only centred windows that lie wholly inside count. A reading is part of its own mean, which
    takes 1/window off the variance: that is put back.
    """
    mean = np.convolve(y, np.ones(window) / window, "valid")
    half = window // 2
    away = y[half : len(y) - half] - mean
    return float(np.sqrt(np.mean(away**2) * window / (window - 1)))


def distance_of_means(y: Vector, model: Vector, window: int) -> float:
    """RMS of model - data after averaging both over blocks of `window` pulses, the rest left out.

    Blocks follow one another from the first reading.
    """
    blocks = len(y) // window
    away = (model - y)[: blocks * window].reshape(blocks, window).mean(axis=1)
    return float(np.sqrt(np.mean(away**2)))


def correlation_length(branches: Sequence[Vector]) -> float:
    """1 + 2 sum of the autocorrelations of residuals.

    The sum ends before the first that is not positive, or at three times its own value: what comes
    later is noise (Sokal's window).
    """
    most = max(len(r) for r in branches) // 4
    power = sum(float(r @ r) for r in branches)
    total = 1.0
    for lag in range(1, most + 1):
        rho = sum(float(r[:-lag] @ r[lag:]) for r in branches if len(r) > lag) / max(power, 1e-300)
        if rho <= 0 or lag > 3 * total:
            break
        total += 2 * rho
    return total


def noise_of(residuals: Sequence[Vector], steps: Sequence[Vector]) -> tuple[float, ...]:
    """Cycle noise in steps and write noise, each with its standard error: c, se, w, se.

    Args:
        residuals: data - model of each branch, [n], in weight.
        steps: noise of each pulse for a unit standard deviation, [n] as the residuals, in weight.

    Returns:
        s_c over the RMS of `steps`, its error, s_w in weight, its error (from the spread over
        parts of the branches; infinite for a single part).
    """
    lags = np.arange(1, min(_LAGS, min(len(r) for r in residuals) // (2 * _PARTS)) + 1)
    size = math.sqrt(np.mean(np.concatenate(list(steps)) ** 2))
    if len(lags) < 2 or not size > 0:
        return math.nan, math.inf, math.nan, math.inf
    parts = [part for r in residuals for part in np.array_split(r, _PARTS)]
    curves = np.array([[np.mean((p[k:] - p[:-k]) ** 2) / 2 for k in lags] for p in parts])
    slopes, levels = np.polyfit(lags, curves.T, 1)
    out = []
    for squares, unit in ((2 * slopes, size), (levels, 1.0)):
        mean, error = float(np.mean(squares)), float(np.std(squares, ddof=1) / len(parts) ** 0.5)
        value = math.sqrt(max(mean, 0.0))
        # d sqrt(s) = ds/(2 sqrt(s)), and no more than sqrt(ds) where s is about 0
        se = error / max(2 * value, math.sqrt(error), 1e-300)
        out += [value / unit, se / unit]
    return tuple(out)
