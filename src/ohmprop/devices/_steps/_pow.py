"""Steps that follow a power of the distance to the bound.

    o = (w_max - w)/(w_max - w_min)
    up:    s(w) = D_up o^gamma_up
    down:  s(w) = -D_down (1 - o)^gamma_down

Sources: Fusi and Abbott, Nat. Neurosci. 10:485 (2007); aihwkit, src/rpucuda/rpu_powstep_device.cpp.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._base import NOT_NEGATIVE, Parameter, Range, leaf
from ._base import AbstractStep, directions
from ._presets import defaults


class PowStep(AbstractStep):
    """Power-law steps; the set "default" holds aihwkit's defaults, for no preset uses the model.

    dw_min is the step at the far bound, not at w = 0. As for the steps, the code reduces one
    exponent by |pow_up_down| where its documentation has pow_gamma (1 +- pow_up_down).

    Args beyond `AbstractStep`'s:
        pow_gamma: exponent, the larger of the two directions'.
        pow_up_down: bias, gamma_up = pow_gamma (1 + min(pow_up_down, 0)) and gamma_down =
            pow_gamma (1 - max(pow_up_down, 0)).
        pow_gamma_dtod, pow_up_down_dtod: device to device, relative to pow_gamma.
    """

    pow_gamma: Array = leaf()
    pow_up_down: Array = leaf(Range(low=-1, high=1))
    pow_gamma_dtod: Array = leaf(NOT_NEGATIVE)
    pow_up_down_dtod: Array = leaf(NOT_NEGATIVE)

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "default": defaults(
            pow_gamma=1.0, pow_up_down=0.0, pow_gamma_dtod=0.1, pow_up_down_dtod=0.0
        ),
    }
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {"default": {"dtod_law": "normal"}}

    def step(self, x: ArrayLike, up: ArrayLike) -> Array:
        """D o^gamma_up, or -D (1 - o)^gamma_down."""
        far = (self.w_max - self._clip(jnp.asarray(x))) / (self.w_max - self.w_min)
        factors = 1 + jnp.minimum(self.pow_up_down, 0), 1 - jnp.maximum(self.pow_up_down, 0)
        gamma = self.pow_gamma * jnp.where(up, *factors)
        return jnp.where(up, 1, -1) * self.size(up) * jnp.where(up, far, 1 - far) ** gamma

    def spread(self, key: Array, shape: tuple[int, ...]) -> Self:
        """As `AbstractStep.spread`, and the exponents by the same rule as the steps."""
        rest, gain, bias = jax.random.split(key, 3)
        gain, bias = (jax.random.normal(k, shape, self.w_max.dtype) for k in (gain, bias))
        largest, up_down = directions(
            1 + self.pow_gamma_dtod * gain, self.pow_up_down, self.pow_up_down_dtod * bias
        )
        drawn = super().spread(rest, shape)
        return replace(drawn, pow_gamma=self.pow_gamma * largest, pow_up_down=up_down)
