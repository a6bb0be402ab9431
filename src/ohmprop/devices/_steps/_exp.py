"""Steps exponential in the weight, as CMOS and phase-change cells show them.

    z = 2 a w/(w_max - w_min) + b
    up:    s(w) = D_up max(0, 1 - A_up exp(gamma_up z))
    down:  s(w) = -D_down max(0, 1 - A_down exp(-gamma_down z))

Source: aihwkit, src/rpucuda/rpu_expstep_device.cpp.
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._base import ANY, NOT_NEGATIVE, Parameter, leaf
from ._base import AbstractStep
from ._presets import defaults, numbers


class ExpStep(AbstractStep):
    """Exponential steps; published sets "reram_es" and "pcm".

    "pcm" is a one-sided device: from w_max one pulse down resets more than the whole range, and
    aihwkit uses it in pairs with refresh.

    Args beyond `AbstractStep`'s:
        a, b: slope and offset of z.
        A_up, A_down, gamma_up, gamma_down: factors and exponents.
        dw_min_std_add, dw_min_std_slope: noise beyond a part of the step, absolute and per |w|,
            both times dw_min_std.
    """

    a: Array = leaf(ANY)
    b: Array = leaf(ANY)
    A_up: Array = leaf(ANY)
    A_down: Array = leaf(ANY)
    gamma_up: Array = leaf(ANY)
    gamma_down: Array = leaf(ANY)
    dw_min_std_add: Array = leaf(NOT_NEGATIVE)
    dw_min_std_slope: Array = leaf(NOT_NEGATIVE)

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "reram_es": defaults(dw_min_std_add=0.0, dw_min_std_slope=0.0) | numbers(
            "ReRamESPresetDevice (Gong et al., Nat. Commun. 2018)",
            dw_min=1.35e-3, dw_min_dtod=0.2, dw_min_std=5.0, write_noise_std=75.0,
            up_down=0.259359, up_down_dtod=0.05,
            w_max=1.0, w_min=-1.0, w_max_dtod=0.3, w_min_dtod=0.3,
            a=-0.5, b=-0.5, gamma_up=5.0, gamma_down=5.0, A_up=-1.18445, A_down=-0.081404,
        ),
        "pcm": numbers(
            "PCMPresetDevice (Nandakumar et al., Front. Neurosci. 2020)",
            dw_min=0.01, dw_min_dtod=0.2, dw_min_std=0.6, up_down_dtod=0.05,
            w_max=2.0, w_min=0.0, w_max_dtod=0.1, w_min_dtod=0.0,
            a=-1.0, b=0.0, gamma_up=2.5, gamma_down=2.5, A_up=-27.235, A_down=-2.235,
            dw_min_std_add=0.042, dw_min_std_slope=0.108,
        ),
    }  # fmt: skip
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "reram_es": {"dtod_law": "normal"},
        "pcm": {"dtod_law": "normal"},
    }

    def step(self, x: ArrayLike, up: ArrayLike) -> Array:
        """D max(0, 1 - A_up e^(gamma_up z)), or -D max(0, 1 - A_down e^(-gamma_down z))."""
        z = 2 * self.a * jnp.asarray(x) / (self.w_max - self.w_min) + self.b
        exponent = jnp.where(up, self.gamma_up * z, -self.gamma_down * z)
        part = 1 - jnp.where(up, self.A_up, self.A_down) * jnp.exp(exponent)
        return jnp.where(up, 1, -1) * self.size(up) * jnp.maximum(part, 0)

    def noise(self, x: ArrayLike, up: ArrayLike) -> Array:
        """dw_min_std (|s(w)| + dw_min_std_add + dw_min_std_slope |w|)."""
        extra = self.dw_min_std_add + self.dw_min_std_slope * jnp.abs(jnp.asarray(x))
        return self.dw_min_std * (jnp.abs(self.step(x, up)) + extra)
