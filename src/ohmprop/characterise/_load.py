"""What stands between a source and a device: a resistor in series, and a current limit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..devices import AbstractMemristor
from ..devices._exact import newton


class Load(eqx.Module):
    """A series resistance in ohm and a compliance, the greatest current, in A; None for none."""

    r_series: Array | None
    compliance: Array | None

    def __init__(self, r_series: ArrayLike = 0.0, compliance: ArrayLike = np.inf):
        # None, not 0 or inf, so that what is not there is neither compiled nor computed.
        self.r_series = jnp.asarray(r_series, float) if np.any(np.asarray(r_series)) else None
        limited = np.any(np.isfinite(np.asarray(compliance)))
        self.compliance = jnp.asarray(compliance, float) if limited else None

    @property
    def is_none(self) -> bool:
        """Whether the device sees the source's own voltage."""
        return self.r_series is None and self.compliance is None

    def across(self, device: AbstractMemristor, v: ArrayLike, x: ArrayLike) -> Array:
        """Voltage u across the device at the source's `v` and state `x`, V.

            u + r_series i(u, x) = v,    or i(u, x) = +-compliance where that current were larger

        Where the current rises with the voltage and is 0 at 0 V, both have one root, between 0
        and v.
        """
        v = jnp.broadcast_to(
            jnp.asarray(v, float), jnp.broadcast_shapes(jnp.shape(v), jnp.shape(x))
        )
        low, high = jnp.minimum(v, 0.0), jnp.maximum(v, 0.0)

        def current(u):
            return jax.jvp(lambda u: device.current(u, x), (u,), (jnp.ones_like(u),))

        u = v
        if self.r_series is not None:
            r_series = self.r_series

            def divider(u):
                i, slope = current(u)
                return u + r_series * i - v, 1 + r_series * slope

            u = newton(divider, v, low, high)
        if self.compliance is not None:
            most = jnp.where(jnp.isinf(self.compliance), 1.0, self.compliance)

            def limit(u):
                i, slope = current(u)
                return i / most - jnp.sign(v), slope / most + jnp.finfo(u.dtype).tiny

            over = jnp.abs(device.current(u, x)) > self.compliance
            u = jnp.where(over, newton(limit, u, low, high), u)
        return u

    def limited(self, i: Array) -> Array:
        """The current `i` in A without what rounding put it beyond the compliance."""
        return i if self.compliance is None else jnp.clip(i, -self.compliance, self.compliance)
