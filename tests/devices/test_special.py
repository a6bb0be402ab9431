"""Exponential integrals against SciPy and 60-digit series; their inverses against the integrals."""

from decimal import Decimal, getcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import exp1, expi

from ohmprop.devices._special import creep, exp1_scaled, expi_scaled, settle

COMPILED = {settle: jax.jit(settle), creep: jax.jit(creep)}


def _solve(inverse, z, r, **more):
    """Always called with 300 elements: one compilation for each inverse and precision."""
    z, r = np.broadcast_arrays(z, r)
    return np.asarray(COMPILED[inverse](np.resize(z, 300), np.resize(r, 300), **more))[: z.size]


def _gained(sign: int, z: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Integral from 0 to d of exp(z |1 - e^(sign t)|) dt, by 60 x 200 Gauss-Legendre nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    ends = np.linspace(0, 1, 201)
    middle, half = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    t = (middle[:, None] + half[:, None] * nodes).ravel()
    area = (half[:, None] * weights).ravel()
    t = d[:, None] * t
    return d * (np.exp(sign * z[:, None] * np.expm1(sign * t)) @ area)


def test_exp1():
    z = np.r_[np.geomspace(1e-300, 1e-3, 200), np.linspace(1e-3, 600, 4001)]
    wanted = np.exp(z) * exp1(z)
    np.testing.assert_allclose(jax.jit(exp1_scaled)(z), wanted, rtol=2e-14)
    assert float(exp1_scaled(1e8)) == pytest.approx(1e-8 * (1 - 1e-8), rel=1e-14)


def test_expi_against_scipy():
    z = np.r_[np.geomspace(1e-300, 1e-3, 200), np.linspace(1e-3, 600, 4001)]
    wanted = np.exp(-z) * expi(z)  # SciPy's own is off by 3e-14 of its value just above 40
    found = jax.jit(expi_scaled)(z)
    np.testing.assert_allclose(found, wanted, rtol=4e-14, atol=1e-15)
    assert float(expi_scaled(1e8)) == pytest.approx(1e-8 * (1 + 1e-8), rel=1e-14)


@pytest.mark.parametrize("z", [0.5, 1.0, 8.0, 39.9, 40.1, 60.0])
def test_expi_against_a_series_of_60_digits(z):
    getcontext().prec = 80
    exact = Decimal(z)
    total = exact.ln() + Decimal("0.577215664901532860606512090082402431042159335939923598805767")
    term, k = Decimal(1), 0
    while k < z or term > Decimal(10) ** -60:
        k += 1
        term *= exact / k
        total += term / k
    wanted = float(total * (-exact).exp())
    assert float(expi_scaled(z)) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize(("solve", "sign"), [(settle, -1), (creep, 1)])
def test_inverses_against_quadrature(solve, sign):
    rng = np.random.default_rng(3)
    z, r = 10 ** rng.uniform(-6, 2, 300), 10 ** rng.uniform(-9, 2.5, 300)
    d = _solve(solve, z, r)
    assert (d > 0).all() and (d <= r).all()
    slope = np.exp(sign * z * np.expm1(sign * d))
    assert (np.abs(_gained(sign, z, d) - r) / slope <= 1e-12 * np.maximum(d, 1e-3)).all()


def test_inverses_against_scipy_for_large_arguments():
    z, d = np.array([3.0, 30.0, 300.0]), np.array([2.0, 1.0, 0.5])
    r = np.exp(z) * (exp1(z * np.exp(-d)) - exp1(z))
    np.testing.assert_allclose(_solve(settle, z, r), d, rtol=1e-12)
    r = np.exp(-z) * (expi(z * np.exp(d)) - expi(z))
    np.testing.assert_allclose(_solve(creep, z, r), d, rtol=1e-12)


@pytest.mark.parametrize("solve", [settle, creep])
def test_ends(solve):
    z = np.array([0.0, 1e-300, 1.0, 1e30])
    np.testing.assert_array_equal(_solve(solve, z, 0.0), 0.0)
    np.testing.assert_allclose(_solve(solve, z[:2], 3.0), 3.0, rtol=1e-15)  # no window yet
    np.testing.assert_allclose(_solve(solve, [0.5, 5.0, 50.0], 1e-12), 1e-12, rtol=1e-9)
    assert np.isfinite(_solve(solve, z, 1e200)).all()


def test_settle_runs_backwards_as_far_as_allowed():
    z, d = np.array([0.1, 1.0, 4.0]), -np.array([0.5, 0.7, 0.2])
    r = np.exp(z) * (exp1(z * np.exp(-d)) - exp1(z))
    np.testing.assert_allclose(_solve(settle, z, r, low=-3.0), d, rtol=1e-11)
    np.testing.assert_allclose(_solve(settle, z, -99.0, low=-0.5), -0.5, rtol=1e-12)


@pytest.mark.parametrize(("solve", "sign"), [(settle, -1), (creep, 1)])
def test_slopes(solve, sign):
    z, r, h = jnp.array([1e-3, 0.7, 3.0, 20.0]), jnp.array([2.0, 1.0, 5.0, 1e3]), 1e-5
    by_z, by_r = jax.jit(jax.grad(lambda z, r: solve(z, r).sum(), argnums=(0, 1)))(z, r)
    d = _solve(solve, z, r)
    np.testing.assert_allclose(by_r, jnp.exp(-sign * z * jnp.expm1(sign * d)), rtol=1e-10)
    wanted = (_solve(solve, z * (1 + h), r) - _solve(solve, z * (1 - h), r)) / (2 * h * z)
    np.testing.assert_allclose(by_z, wanted, rtol=1e-6)
    forward = jax.jit(lambda z: jax.jvp(lambda z: solve(z, r), (z,), (jnp.ones_like(z),))[1])(z)
    np.testing.assert_allclose(forward, by_z, rtol=1e-12)


@pytest.mark.parametrize("solve", [settle, creep])
def test_single_precision(solve):
    z, r = np.geomspace(1e-4, 50, 30), np.geomspace(1e3, 1e-4, 30)
    found = _solve(solve, z.astype(np.float32), r.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, _solve(solve, z, r), rtol=2e-5)
