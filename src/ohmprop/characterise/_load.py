"""What stands between a source and a device: a resistor in series, and a current limit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..devices import AbstractMemristor
from ..devices._exact import newton


def _as_float(value: ArrayLike) -> Array:
    return jnp.asarray(value, dtype=float)


class Load(eqx.Module):
    """A series resistance in ohm and a compliance, the greatest current, in A (inf: none)."""

    r_series: Array = eqx.field(converter=_as_float, default=0.0)
    compliance: Array = eqx.field(converter=_as_float, default=np.inf)

    def across(self, device: AbstractMemristor, v: ArrayLike, x: ArrayLike) -> Array:
        """Voltage u across the device at the source's `v` and state `x`, V.

            u + r_series i(u, x) = v,    or i(u, x) = +-compliance where that current were larger

        Where the current rises with the voltage and is 0 at 0 V, both have one root, between 0
        and v.
        """
        v, x = jnp.broadcast_arrays(jnp.asarray(v, float), x)
        low, high = jnp.minimum(v, 0.0), jnp.maximum(v, 0.0)

        def current(u):
            return jax.jvp(lambda u: device.current(u, x), (u,), (jnp.ones_like(u),))

        def divider(u):
            i, slope = current(u)
            return u + self.r_series * i - v, 1 + self.r_series * slope

        u = jnp.where(self.r_series > 0, newton(divider, v, low, high), v)
        most = jnp.where(jnp.isinf(self.compliance), 1.0, self.compliance)

        def limit(u):
            i, slope = current(u)
            return i / most - jnp.sign(v), slope / most + jnp.finfo(u.dtype).tiny

        over = jnp.abs(device.current(u, x)) > self.compliance
        return jnp.where(over, newton(limit, u, low, high), u)
