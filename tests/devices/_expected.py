"""One Euler step of every model in plain numpy, written out separately from the package.

`SEED` holds the numbers the seed's code ran with, `PUBLISHED` the literature's; nothing here is
read from the package's tables.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

R_ON, R_OFF = 100.0, 1e5  # ohm, the seed's configuration files
Q_OVER_K = 1.602176634e-19 / 1.380649e-23  # K/V


def linear(x: Any, v: float, t: float) -> Any:
    return np.clip(x + v * t, 1e-5, 1e-2)


def _drift(
    window: Callable[[Any, float], Any], r_off: float, mu: float
) -> Callable[[Any, float, float], Any]:
    def step(w: Any, v: float, t: float) -> Any:
        d = 1e-8  # m
        m = R_ON * w / d + r_off * (1 - w / d)
        return np.clip(w + t * mu * (R_ON / d) * (v / m) * window(w / d, v), 0, d)

    return step


def _joglekar(x: Any, v: float) -> Any:
    return 1 - (2 * x - 1) ** 2


def _biolek(x: Any, v: float) -> Any:
    return 1 - (x - 1) ** 2 if v <= 0 else 1 - x**2


def vteam_seed(w: Any, v: float, t: float) -> Any:
    rate = 0 * w
    if v > 0.5:
        rate = 5e-4 * (v / 0.5 - 1) ** 3 * np.exp(-np.exp((w - 0.8) / 0.12))
    if v < -0.5:
        rate = -10 * (v / -0.5 - 1) * np.exp(-np.exp(-(w - 0.2) / 0.12))
    return np.clip(w + t * rate, 0, 3e-9)


def vteam_published(w: Any, v: float, t: float) -> Any:
    d, rate = 3e-9, 0 * w  # m
    if v > 0.02:
        rate = 5e-4 * (v / 0.02 - 1) * np.exp(-np.exp((w - 0.8 * d) / (0.12 * d)))
    if v < -0.2:
        rate = -10 * (v / -0.2 - 1) ** 3 * np.exp(-np.exp(-(w - 0.2 * d) / (0.12 * d)))
    return np.clip(w + t * rate, 0, d)


def _yakopcic(v_p: float, v_n: float, x_n: float, seed: bool) -> Callable[[Any, float, float], Any]:
    def step(x: Any, v: float, t: float) -> Any:
        x_on, x_p = 1e-3, 0.3
        rate = 0 * x
        if v > v_p:
            f = np.where(x >= x_p, np.exp(-(x - x_p)) * (1 - x) / (1 - x_p), 1)
            rate = 4000 * (np.exp(v) - np.exp(v_p)) * f
        if v < -v_n:
            below = x_n - x_on if seed else 1 - x_n - x_on
            f = np.exp(5 * (x + x_n - 1)) * (x - x_on) / below
            f = np.where(x < x_on, 0, np.where(x <= 1 - x_n, f, 1))
            rate = -4000 * (np.exp(-v) - np.exp(v_n)) * f
        return np.clip(x + t * rate, x_on, 1)

    return step


def _mms(u_on: float, u_off: float, tau: float) -> Callable[[Any, float, float], Any]:
    def step(x: Any, v: float, t: float) -> Any:
        alpha, beta = t / tau, Q_OVER_K / 298.5  # 1, 1/V
        p_on = alpha / (1 + np.exp(-beta * (v - u_on)))
        p_off = alpha * (1 - 1 / (1 + np.exp(-beta * (v + u_off))))
        return np.clip(x + p_on * (1 - x) - p_off * x, 0, 1)

    return step


PULSE: dict[tuple[str, str], Callable[[Any, float, float], Any]] = {
    ("linear", "seed"): linear,
    ("linear", "published"): linear,
    ("linear_ion_drift", "seed"): _drift(lambda x, v: 1.0, R_OFF, 1e-9),
    ("linear_ion_drift", "published"): _drift(lambda x, v: 1.0, 16e3, 1e-14),
    ("joglekar", "seed"): _drift(_joglekar, R_OFF, 1e-9),
    ("joglekar", "published"): _drift(_joglekar, 16e3, 1e-14),
    ("biolek", "seed"): _drift(_biolek, R_OFF, 1e-9),
    ("biolek", "published"): _drift(_biolek, 16e3, 1e-14),
    ("vteam", "seed"): vteam_seed,
    ("vteam", "published"): vteam_published,
    ("yakopcic", "seed"): _yakopcic(0.5, 0.5, 0.3, True),
    ("yakopcic", "published"): _yakopcic(0.16, 0.15, 0.5, False),
    ("mms", "seed"): _mms(1 / 0.9, 1 / 0.9, 1e-4),
    ("mms", "published"): _mms(0.17, 0.22, 3.2e-4),
}
# Pulse length moving a mid-range state by a visible part of its span, s.
TIME: dict[tuple[str, str], float] = {
    ("linear", "seed"): 1e-3,
    ("linear", "published"): 1e-3,
    ("linear_ion_drift", "seed"): 1e-5,
    ("linear_ion_drift", "published"): 0.1,
    ("joglekar", "seed"): 1e-5,
    ("joglekar", "published"): 0.1,
    ("biolek", "seed"): 1e-5,
    ("biolek", "published"): 0.1,
    ("vteam", "seed"): 2e-8,
    ("vteam", "published"): 2e-12,
    ("yakopcic", "seed"): 5e-5,
    ("yakopcic", "published"): 5e-5,
    ("mms", "seed"): 1e-4,
    ("mms", "published"): 1.5e-4,
}
CASES = list(PULSE)


def duration(model: str, params: str, v: float) -> float:
    """Pulse length, s; VTEAM's speeds in its two directions differ by decades."""
    slower = {"seed": 5, "published": 1e4}[params] if model == "vteam" and v > 0 else 1
    return TIME[model, params] * slower
