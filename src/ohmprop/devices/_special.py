"""Exponential integrals, and the two pulse equations of threshold models that they solve.

    E1(z) = integral_z^inf exp(-t)/t dt       Ei(z) = - p.v. integral_-z^inf exp(-t)/t dt

Both are scaled by an exponential, so that neither overflows. Near 0 they are power series (DLMF
6.6), beyond that a polynomial in 1/z on each of 64 intervals, drawn up on import from the
continued fraction (DLMF 6.9) and the power and asymptotic (DLMF 6.12) series.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from ._exact import newton

_NEAR = 1.0  # up to here the power series serve
_INTERVALS, _DEGREE = 64, 11


def _ein(terms: int, sign: int) -> tuple[float, ...]:
    """Coefficients of Ein(z) = z - z^2/4 + ..., or of -Ein(-z) for sign 1, the highest first."""
    return tuple(sign ** (k + 1) / (k * math.factorial(k)) for k in range(terms, 0, -1))


_EIN, _EIN_MINUS = _ein(18, -1), _ein(18, 1)


def _table(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Polynomials in the local coordinate of `_INTERVALS` intervals of w = 1/z from 0 to 1."""
    nodes = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
    w = (np.arange(_INTERVALS)[:, None] + (1 + nodes) / 2) / _INTERVALS
    fit = np.polynomial.chebyshev.chebfit(nodes, function(1 / w).T, _DEGREE)
    powers = np.zeros((_DEGREE + 1, _DEGREE + 1))
    for k in range(_DEGREE + 1):
        powers[k, : k + 1] = np.polynomial.chebyshev.cheb2poly([0] * k + [1])
    return fit.T @ powers


def _e1_fraction(z: np.ndarray) -> np.ndarray:
    """z e^z E1(z) = z/(z + 1 - 1/(z + 3 - 4/(z + 5 - ...))), z >= 1."""
    level = z + 301
    for k in range(150, 0, -1):
        level = z + (2 * k - 1) - k * k / level
    return z / level


def _ei_series(z: np.ndarray) -> np.ndarray:
    """z e^-z Ei(z), z >= 1, by the power series up to 40 and the asymptotic one above."""
    low, total = np.minimum(z, 40.0), np.zeros_like(z)
    for c in _ein(120, 1):
        total = (total + c) * low
    far = np.ones_like(z)
    for k in range(38, 0, -1):
        far = 1 + far * k / np.maximum(z, 40.0)
    return np.where(z <= 40, low * np.exp(-low) * (total + np.log(low) + np.euler_gamma), far)


_E1_TABLE = _table(_e1_fraction)
_EI_TABLE = _table(_ei_series)


def _look_up(table: np.ndarray, z: Array) -> Array:
    """The tabulated function at z >= 1."""
    place = _INTERVALS / z
    interval = jnp.minimum(place.astype(int), _INTERVALS - 1)
    local = 2 * (place - interval) - 1
    columns = jnp.asarray(table.T, z.dtype)
    value = jnp.zeros_like(z)
    for k in range(_DEGREE, -1, -1):
        value = value * local + columns[k].at[interval].get(mode="promise_in_bounds")
    return value


@jax.custom_jvp
def _e1_far(z: Array) -> Array:
    """e^z E1(z), z >= 1."""
    return _look_up(_E1_TABLE, z) / z


@jax.custom_jvp
def _ei_far(z: Array) -> Array:
    """e^-z Ei(z), z >= 1."""
    return _look_up(_EI_TABLE, z) / z


_e1_far.defjvps(lambda dz, value, z: (value - 1 / z) * dz)
_ei_far.defjvps(lambda dz, value, z: (1 / z - value) * dz)


def _polynomial(coefficients: tuple[float, ...], z: Array) -> Array:
    """Sum of c_k z^k for k = 1, 2, ..., the highest power first in `coefficients`."""
    value = jnp.zeros_like(z)
    for c in coefficients:
        value = (value + jnp.asarray(c, z.dtype)) * z
    return value


def exp1_scaled(z: ArrayLike) -> Array:
    """e^z E1(z) for z > 0, to 1e-14 of its value.

    Args:
        z: [...], positive.

    Returns:
        [...]; near 1/z for large z, near -ln z for small.
    """
    z = jnp.asarray(z, dtype=jnp.result_type(z, 1.0))
    low = jnp.minimum(z, _NEAR)
    near = jnp.exp(low) * (_polynomial(_EIN, low) - jnp.log(low) - np.euler_gamma)
    return jnp.where(z <= _NEAR, near, _e1_far(jnp.maximum(z, _NEAR)))


def expi_scaled(z: ArrayLike) -> Array:
    """e^-z Ei(z) for z > 0, to 1e-14 of its value (near its zero at 0.3725, of 1).

    Args:
        z: [...], positive.

    Returns:
        [...]; near 1/z for large z, near ln z for small.
    """
    z = jnp.asarray(z, dtype=jnp.result_type(z, 1.0))
    low = jnp.minimum(z, _NEAR)
    near = jnp.exp(-low) * (_polynomial(_EIN_MINUS, low) + jnp.log(low) + np.euler_gamma)
    return jnp.where(z <= _NEAR, near, _ei_far(jnp.maximum(z, _NEAR)))


def _brief(z: Array, d: Array, value: Array) -> Array:
    """Integral_0^d exp(z (e^t - 1)) dt: `value`, or for small d, where that cancels, its series.

    The coefficients are Touchard's polynomials.
    """
    small = jnp.abs(d) * (1 + jnp.abs(z)) < 4 * float(jnp.finfo(z.dtype).eps) ** 0.2
    d = jnp.where(small, d, 0.0)
    c2 = z * (1 + z)
    c3 = z * (1 + z * (3 + z))
    c4 = z * (1 + z * (7 + z * (6 + z)))
    series = d * (1 + d * (z / 2 + d * (c2 / 6 + d * (c3 / 24 + d * c4 / 120))))
    return jnp.where(small, series, value)


def _largest(dtype: np.dtype) -> float:
    """A number whose exponential is nearly too large."""
    return math.log(float(jnp.finfo(dtype).max)) - 5


def settle(z: ArrayLike, r: ArrayLike, low: ArrayLike = 0.0) -> Array:
    """d with integral_0^d exp(z (1 - e^-t)) dt = r, that is e^z [E1(z e^-d) - E1(z)] = r.

    It solves du/dr = -u exp(u - z) from u = z: u = z e^-d. Negative `r` runs backwards, where u
    grows without bound in a finite time; `low` ends that.

    Args:
        z: [...], not negative.
        r: [...], any sign.
        low: least d, [...], not positive.

    Returns:
        d, [...], the root or `low`.
    """
    dtype = jnp.result_type(z, r, 1.0)
    z, r, low = jnp.broadcast_arrays(*(jnp.asarray(a, dtype) for a in (z, r, low)))
    near_z, far_z = jnp.minimum(z, _NEAR), jnp.maximum(z, _NEAR)
    most = _largest(dtype)
    log_z, ein_z, scaled = jnp.log(far_z), _polynomial(_EIN, near_z), _e1_far(far_z)

    def passed(d: Array) -> tuple[Array, Array]:
        now = z * jnp.exp(-d)
        is_near = now <= _NEAR
        near, far = jnp.minimum(now, _NEAR), jnp.maximum(now, _NEAR)
        ein, beyond, ratio = (
            _polynomial(_EIN, near),
            _e1_far(far),
            jnp.exp(jnp.minimum(z - now, most)),
        )
        # For small z, Ein(now) = E1(now) + ln now + gamma; for large z, E1(now).
        ein_far = jnp.exp(-far) * beyond + jnp.log(far) + np.euler_gamma
        gained = jnp.where(is_near, ein, ein_far) - ein_z
        e1 = jnp.where(is_near, jnp.exp(near) * (ein - log_z + d - np.euler_gamma), beyond)
        value = jnp.where(z <= _NEAR, jnp.exp(near_z) * (d + gained), ratio * e1 - scaled)
        return -_brief(-z, -d, -value), ratio

    end = passed(low)[0]
    r = jnp.where(r < end, end, r)
    high = lax.stop_gradient(jnp.maximum(_latest_settled(z, log_z, scaled, r), 0.0))

    def residual(d: Array) -> tuple[Array, Array]:
        value, slope = passed(d)
        return value - r, slope

    d = newton(residual, high, low, high)
    return jnp.where(d < low, low, d)


def _latest_settled(z: Array, log_z: Array, scaled: Array, r: Array) -> Array:
    """A bound on `settle` from above, close where it matters.

    d <= r, since the integrand is at least 1. For large z, E1(u) >= -gamma - ln u bounds d, and
    e^u E1(u) = e^(u - z) (e^z E1(z) + r), between ln(1 + 2/u)/2 and ln(1 + 1/u), bounds u = z e^-d.
    """
    linear = (r + scaled) * jnp.exp(-z) + np.euler_gamma + log_z
    tiny = jnp.finfo(z.dtype).tiny
    base, most = z - jnp.log(scaled + jnp.maximum(r, 0.0)), z
    least = jnp.full_like(z, tiny)
    for _ in range(3):
        least = jnp.maximum(least, base + jnp.log(jnp.log1p(2 / jnp.maximum(most, tiny)) / 2))
        most = jnp.clip(base + jnp.log(jnp.log1p(1 / least)), least, z)
    bounded = log_z - jnp.log(least) + _slack(z / least)
    large = jnp.minimum(linear, bounded) + _slack(log_z)
    return jnp.where(z <= _NEAR, r, jnp.minimum(r, large))


def creep(z: ArrayLike, r: ArrayLike) -> Array:
    """d with integral_0^d exp(z (e^t - 1)) dt = r, that is e^-z [Ei(z e^d) - Ei(z)] = r.

    It solves dy/dr = exp(z - e^y) from y = ln z: y = ln z + d, ever slower.

    Args:
        z: [...], not negative.
        r: [...], not negative.

    Returns:
        d, [...], at most r.
    """
    dtype = jnp.result_type(z, r, 1.0)
    z, r = jnp.broadcast_arrays(*(jnp.asarray(a, dtype) for a in (z, r)))
    most = _largest(dtype)
    near_z, far_z = jnp.minimum(z, _NEAR), jnp.maximum(z, _NEAR)
    minus_z, scaled = _polynomial(_EIN_MINUS, near_z), _ei_far(far_z)

    def passed(d: Array) -> tuple[Array, Array]:
        now = z * jnp.exp(jnp.minimum(d, most))
        far = jnp.maximum(now, _NEAR)
        slope, beyond = jnp.exp(jnp.minimum(now - z, most)), _ei_far(far)
        minus_now = jnp.where(
            now <= _NEAR,
            _polynomial(_EIN_MINUS, jnp.minimum(now, _NEAR)),
            jnp.exp(jnp.minimum(far, most)) * beyond - jnp.log(far) - np.euler_gamma,
        )
        near = jnp.exp(-near_z) * (d + minus_now - minus_z)
        value = jnp.where(z <= _NEAR, near, slope * beyond - scaled)
        return _brief(z, d, value), slope

    high = lax.stop_gradient(_latest_crept(z, r))

    def residual(d: Array) -> tuple[Array, Array]:
        value, slope = passed(d)
        return value - r, slope

    return newton(residual, high, jnp.zeros_like(z), high)


def _latest_crept(z: Array, r: Array) -> Array:
    """A bound on `creep` from above, close for large r.

    As e^(z1 - z) - 1 <= r z1, any bound on z1 = z e^d gives the nearer bound z + ln(1 + r z1).
    """
    tiny = jnp.finfo(z.dtype).tiny
    log_z, log_r, d = jnp.log(jnp.maximum(z, tiny)), jnp.log(jnp.maximum(r, tiny)), r
    for _ in range(4):
        end = jnp.maximum(z + jnp.logaddexp(0.0, log_r + log_z + d), tiny)
        d = jnp.minimum(d, jnp.maximum(jnp.log(end) - log_z, 0.0) + _slack(log_z))
    return d


def _slack(size: Array) -> Array:
    """What rounding may take off a bound that is a difference of terms of this size."""
    return 8 * float(jnp.finfo(size.dtype).eps) * (1 + jnp.abs(size))
