"""Steps constant or linear in the weight, whose sequences have a closed form.

    up:    s(w) = D_up (1 - gamma_up w/w_max)
    down:  s(w) = -D_down (1 - gamma_down w/w_min)
    n pulses:  w_n = w + s(w) [1 - (1 - a)^n]/a,    a = gamma D/|bound|

For soft bounds (gamma = 1) that is w_n = w_max - (w_max - w)(1 - D/w_max)^n.
Source: aihwkit, src/rpucuda/rpu_constantstep_device.cpp, rpu_linearstep_device.cpp.
"""

import abc
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._base import NOT_NEGATIVE, Parameter, leaf
from ._base import _LAWS, AbstractStep
from ._presets import numbers

_NOISES = ("multiplicative", "additive")


class AbstractLinearStep(AbstractStep):
    """A step s(w) = +-D - a w; `fading` gives a, the part of the weight lost a pulse."""

    @abc.abstractmethod
    def fading(self, up: ArrayLike) -> Array:
        """a, dimensionless, in the direction `up`."""

    def step(self, x: ArrayLike, up: ArrayLike) -> Array:
        """+-D - a w."""
        return jnp.where(up, 1, -1) * self.size(up) - self.fading(up) * jnp.asarray(x)

    def steps(self, x: ArrayLike, up: ArrayLike, n: ArrayLike) -> Array:
        """w + s(w) [1 - (1 - a)^n]/a, clipped; n real. Where a > 1 it ends where s = 0."""
        x, up, n = self._broadcast(x, up, n)
        a = self.fading(up)
        safe = jnp.where(a > 0, a, 0.5)
        kept = jnp.log1p(-jnp.minimum(safe, 1 - jnp.finfo(x.dtype).eps))
        count = jnp.where(a > 0, -jnp.expm1(n * kept) / safe, n)
        return self._clip(x + count * self.step(x, up))


class ConstantStep(AbstractLinearStep):
    """Steps of one size up to hard bounds: s = +-D; the ideal of hardware-aware training.

    Published sets: "idealized" (10^4 states) and "gokmen_vlasov" (1200 states).
    """

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "idealized": numbers(
            "IdealizedPresetDevice (Rasch, Gokmen, Haensch, arXiv 1906.02698)",
            dw_min=2e-4, dw_min_dtod=0.3, dw_min_std=0.3, up_down_dtod=0.0,
            w_max=1.0, w_min=-1.0, w_max_dtod=0.3, w_min_dtod=0.3,
        ),
        "gokmen_vlasov": numbers(
            "GokmenVlasovPresetDevice (Gokmen and Vlasov, Front. Neurosci. 2016)",
            dw_min=1.6e-3, dw_min_dtod=0.3, dw_min_std=0.3, up_down_dtod=0.01,
            w_max=1.0, w_min=-1.0, w_max_dtod=0.3, w_min_dtod=0.3,
        ),
    }  # fmt: skip
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "idealized": {"dtod_law": "normal"},
        "gokmen_vlasov": {"dtod_law": "normal"},
    }

    def fading(self, up: ArrayLike) -> Array:
        """0."""
        return jnp.zeros_like(self.size(up))


class AbstractFading(AbstractLinearStep):
    """Steps linear in w, whose noise is a part of the step, or of the step at w = 0."""

    noise_law: str = eqx.field(static=True, kw_only=True)

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {"dtod_law": _LAWS, "noise_law": _NOISES}

    def noise(self, x: ArrayLike, up: ArrayLike) -> Array:
        """dw_min_std |s(w)| (multiplicative) or dw_min_std D (additive)."""
        if self.noise_law == "additive":
            return self.dw_min_std * self.size(up) * jnp.ones_like(x)
        return super().noise(x, up)


class LinearStep(AbstractFading):
    """Steps that shrink linearly towards the bound: s = +-D (1 - gamma w/bound).

    gamma = 0.1 makes a step at the bound a tenth smaller than at w = 0. Over devices the slope
    refers to the mean bound, not to each device's own (aihwkit's default), so `spread` scales
    gamma with the bound. Published sets: "capacitor" (its leakage left out), "ecram", "ecram_mo".

    Args beyond `AbstractStep`'s:
        gamma_up, gamma_down: relative loss of step at w_max and w_min.
        gamma_up_dtod, gamma_down_dtod: their standard deviations over devices, absolute.
        noise_law: "multiplicative" (noise a part of the step) or "additive" (of the step at 0).
    """

    gamma_up: Array = leaf(NOT_NEGATIVE)
    gamma_down: Array = leaf(NOT_NEGATIVE)
    gamma_up_dtod: Array = leaf(NOT_NEGATIVE)
    gamma_down_dtod: Array = leaf(NOT_NEGATIVE)

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "capacitor": numbers(
            "CapacitorPresetDevice (Li et al., VLSI 2018)",
            dw_min=5e-3, dw_min_dtod=0.1, dw_min_std=0.3, up_down_dtod=0.06,
            w_max=1.0, w_min=-1.0, w_max_dtod=0.07, w_min_dtod=0.07,
            gamma_up=0.05, gamma_down=0.05, gamma_up_dtod=0.01, gamma_down_dtod=0.01,
        ),
        "ecram": numbers(
            "EcRamPresetDevice (Tang et al., IEDM 2018)",
            dw_min=2e-3, dw_min_dtod=0.1, dw_min_std=0.3, up_down_dtod=0.01,
            w_max=1.1724, w_min=-0.8276, w_max_dtod=0.05, w_min_dtod=0.05,
            gamma_up=0.1153, gamma_down=0.5085, gamma_up_dtod=0.05, gamma_down_dtod=0.05,
        ),
        "ecram_mo": numbers(
            "EcRamMOPresetDevice (Kim et al., IEDM 2019)",
            dw_min=2.8214e-4, dw_min_dtod=0.1, dw_min_std=2.0, up_down_dtod=0.01,
            w_max=1.1714, w_min=-0.8286, w_max_dtod=0.05, w_min_dtod=0.05,
            gamma_up=0.4152, gamma_down=0.7342, gamma_up_dtod=0.05, gamma_down_dtod=0.05,
        ),
    }  # fmt: skip
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "capacitor": {"dtod_law": "normal", "noise_law": "additive"},
        "ecram": {"dtod_law": "normal", "noise_law": "multiplicative"},
        "ecram_mo": {"dtod_law": "normal", "noise_law": "multiplicative"},
    }

    def fading(self, up: ArrayLike) -> Array:
        """gamma D/|bound|; 0 downwards where w_min is not below 0."""
        return _slope(self, up) * jnp.where(up, self.gamma_up, self.gamma_down)

    def spread(self, key: Array, shape: tuple[int, ...]) -> Self:
        """As `AbstractStep.spread`, and gamma |gamma + gamma_dtod xi| at the mean bound."""
        rest, up, down = jax.random.split(key, 3)
        drawn = super().spread(rest, shape)
        up, down = (jax.random.normal(k, shape, self.w_max.dtype) for k in (up, down))
        below = jnp.where(self.w_min < 0, self.w_min, -1.0)
        return replace(
            drawn,
            gamma_up=jnp.abs(self.gamma_up + self.gamma_up_dtod * up) * drawn.w_max / self.w_max,
            gamma_down=jnp.abs(self.gamma_down + self.gamma_down_dtod * down) * drawn.w_min / below,
        )


class SoftBounds(AbstractFading):
    """Steps that vanish at the bounds: s = +-D (1 - w/bound), bounds each device's own.

    Published sets: "reram_sb", "reram_array_om", "reram_array_hfo2". The two arrays' sets belong
    to a model that subtracts a reference device; that difference is not part of the device here.

    Args beyond `AbstractStep`'s:
        noise_law: "multiplicative" (noise a part of the step) or "additive" (of the step at 0).
    """

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "reram_sb": numbers(
            "ReRamSBPresetDevice (loose fit to Gong et al., Nat. Commun. 2018)",
            dw_min=2e-3, dw_min_dtod=0.3, dw_min_std=3.75, write_noise_std=56.0,
            up_down_dtod=0.01,
            w_max=1.25, w_min=-0.75, w_max_dtod=0.3 / 1.25, w_min_dtod=0.3 / 0.75,
        ),
        "reram_array_om": numbers(
            "ReRamArrayOMPresetDevice (Gong, Rasch et al., IEDM 2022)",
            dw_min=0.0949, dw_min_dtod=0.7829, dw_min_std=0.4158, write_noise_std=1.4113,
            up_down_dtod=0.01,
            w_max=1.0, w_min=-1.0, w_max_dtod=0.3499, w_min_dtod=0.5695,
        ),
        "reram_array_hfo2": numbers(
            "ReRamArrayHfO2PresetDevice (Gong, Rasch et al., IEDM 2022)",
            dw_min=0.4622, dw_min_dtod=0.7125, dw_min_std=0.2174, write_noise_std=0.5841,
            up_down_dtod=0.01,
            w_max=1.0, w_min=-1.0, w_max_dtod=0.4295, w_min_dtod=0.5990,
        ),
    }  # fmt: skip
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "reram_sb": {"dtod_law": "normal", "noise_law": "additive"},
        "reram_array_om": {"dtod_law": "lognormal", "noise_law": "additive"},
        "reram_array_hfo2": {"dtod_law": "lognormal", "noise_law": "additive"},
    }

    def fading(self, up: ArrayLike) -> Array:
        """D/|bound|; 0 downwards where w_min is not below 0."""
        return _slope(self, up)


def _slope(device: AbstractStep, up: ArrayLike) -> Array:
    """D/|bound|, and 0 for a lower bound that is not below 0."""
    below = jnp.where(device.w_min < 0, -1 / jnp.where(device.w_min < 0, device.w_min, -1.0), 0.0)
    return device.size(up) * jnp.where(up, 1 / device.w_max, below)
