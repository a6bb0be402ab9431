"""The explicit current of JART-TUD: a generalised logistic function of ln N, fitted by voltage.

    v > 0:  i = p5/(p6 + p7 (p8 n)^-p10)^(1/p11),    n = N/0.004
    v < 0:  i = p1 [p2 (e^((ln n - p3)/p4) - 1) + ln n - p3] + p5/(1 + p7 (n e^-p9)^-p10)^(1/p11)

Every p depends on v, and on the filament through d_r = (r - 45 nm)/4.5 nm and
d_l = (l - 0.4 nm)/0.04 nm. Voltages are in V, currents in A, concentrations N in 1e26/m^3.
Source: Ntinas et al., SMACD (2023), doi:10.1109/SMACD58065.2023.10192107; constants from the code
published with it (JART-TUD VCM Library v0.1, parameters of the MATLAB version).
"""

import jax.numpy as jnp
from jax import Array

_N_UNIT = 0.004  # 1e26/m^3


def forward(v: Array, n: Array, r: Array, l: Array) -> Array:  # noqa: E741
    """Current for v >= 0 at concentration `n`, A."""
    p5, p6, p7, p8, p10, p11 = _forward(v, *_deviations(r, l))
    return p5 / (p6 + p7 * (p8 * n / _N_UNIT) ** -p10) ** (1 / p11)


def concentration(v: Array, i: Array, r: Array, l: Array) -> Array:  # noqa: E741
    """Concentration at which `forward` is `i`, 1e26/m^3."""
    p5, p6, p7, p8, p10, p11 = _forward(v, *_deviations(r, l))
    return _N_UNIT / p8 * (((p5 / i) ** p11 - p6) / p7) ** (-1 / p10)


def reverse(v: Array, n: Array, r: Array, l: Array) -> Array:  # noqa: E741
    """Current for v <= 0 at concentration `n`, A; not positive."""
    d_r, d_l = _deviations(r, l)
    y = jnp.log(n / _N_UNIT)
    numerator = (-2.7034e-3 - 1.8077e-4 * d_r - 2.0831e-4 * d_l) * v
    numerator += (-4.5379e-6 + 1.7313e-4 * d_r - 8.9677e-5 * d_l) * v**2
    denominator = 1 + (9.9115e-1 + 5.7155e-3 * d_r - 2.3237e-2 * d_l) * v
    denominator += (4.4093e-1 - 9.7198e-4 * d_r - 1.8507e-3 * d_l) * v**2
    p1 = (1.1830 - 6.2246e-2 * d_r + 1.1419e-1 * d_l) * numerator / denominator
    p2 = -2.5955e3
    p3 = 6.8845 + 1.2536e-1 * d_r + 2.5983e-1 * d_l
    p3 += (-5.8995e-1 + 6.5498e-2 * d_r + 8.5666e-2 * d_l) * v
    p4 = 2.5890e3 - (-2.9537 + 8.2522e-2 * d_r - 7.2255e-2 * d_l) * jnp.exp(5.4031e-1 * v)
    p5 = (6.4705e-4 + 1.5169e-5 * d_r + 1.3260e-6 * d_l) * v
    p5 += (5.1529e-5 + 6.7042e-7 * d_r + 1.0756e-6 * d_r**2) * v**2
    p7 = 1.1708e-1 + 4.8662e-4 * d_r + 3.7351e-3 * d_l
    p9_0 = 3.9052 - 5.4723e-1 * d_r + 3.6802e-2 * d_l
    p9 = _sigmoid(v, p9_0, 9.6130, -4.5637e-1, 1.4310 + 3.6000e-1 * d_r)
    p10 = _sigmoid(v, 4.6925e-1, 3.4731 + 1.1444e-2 * d_r, -1.1871, 5.6947e-1)
    p11 = 1 / _sigmoid(v, 1.0667e1 + 3.6290e-1 * d_r, 1.2812e-1, 7.4414e-1, 4.2381e-1)
    linear = p1 * (p2 * jnp.expm1((y - p3) / p4) + y - p3)
    return linear + p5 / (1 + p7 * jnp.exp(-p10 * (y - p9))) ** (1 / p11)


def _deviations(r: Array, l: Array) -> tuple[Array, Array]:  # noqa: E741
    """d_r and d_l: the deviations from the nominal filament, in tenths of it."""
    return (r - 45e-9) / 4.5e-9, (l - 0.4e-9) / 0.04e-9


def _forward(v: Array, d_r: Array, d_l: Array) -> tuple[Array, ...]:
    """p5, p6, p7, p8, p10 and p11 for v >= 0."""
    p5 = -(1.3769e-3 + 2.3087e-4 * d_r + 1.3293e-7 * d_l) * jnp.expm1(-8.1819e-2 * v)
    p6 = 1.9687e-1 + 2.6129e-2 * d_r - 2.1833e-2 * v
    p7_0 = -9.7606e1 - 7.4338e-1 * d_r + 1.1713e-1 * d_r**2 + 2.4377 * d_l
    p7_2 = 9.9296e1 + 6.9547e-1 * d_r - 1.3724e-1 * d_r**2
    p7_2 += (-2.3728 - 9.0456e-3 * d_r - 1.2221e-3 * d_r**2) * d_l
    p7 = p7_0 + 7.8250 * v + p7_2 * jnp.exp(-7.1092e-2 * v)
    p8 = 1.1713e-1 - 3.8320e-3 * d_l + 8.1370e-2 * v
    p10 = 9.7733e-1 + 5.9623e-5 * d_l + 3.5214e-2 * v + 1.2856e-2 * v**2
    p11 = 9.4207e-1 - 6.7239e-4 * d_l + 3.8953e-2 * v + 2.3436e-2 * v**2
    return p5, p6, p7, p8, p10, p11


def _sigmoid(v: Array, high: Array | float, low: Array | float, centre: float, width) -> Array:
    """From `low` far below `centre` to `high` far above it."""
    return high + (low - high) / (1 + jnp.exp((v - centre) / width))
