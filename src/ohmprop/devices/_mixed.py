"""Several models behind one: so that runs on different devices share one compiled program."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from ._base import AbstractMemristor


class Mixed(AbstractMemristor):
    """The device `models[index]`; the others are there to share a program, and cost nothing.

    Mapped by `jax.vmap` over `index`, a choice becomes a selection among all models.

    Args:
        models: one device a model.
        index: which of them this one is.
    """

    models: tuple[AbstractMemristor, ...]
    index: Int[Array, ""]

    @property
    def r_on(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._of(lambda m: m.r_on)

    @property
    def r_off(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._of(lambda m: m.r_off)

    @property
    def polarity(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return jnp.asarray([m.polarity for m in self.models])[self.index]

    @property
    def lower(self) -> Array:
        return self._of(lambda m: m.lower)

    @property
    def upper(self) -> Array:
        return self._of(lambda m: m.upper)

    def conductance(self, x: ArrayLike) -> Array:
        return self._of(lambda m, x: m.conductance(x), x)

    def state(self, g: ArrayLike) -> Array:
        return self._of(lambda m, g: m.state(g), g)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        return self._of(lambda m, v, x: m.current(v, x), v, x)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        return self._of(lambda m, v, x: m.rate(v, x), v, x)

    def euler(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        return self._of(lambda m, x, v, t: m.euler(x, v, t), x, v, t)

    def pulse(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        return self._of(lambda m, x, v, t: m.pulse(x, v, t), x, v, t)

    def _of(self, method: Callable[..., ArrayLike], *args: ArrayLike) -> Array:
        """`method(model, *args)` of this device's own model."""
        branches = [
            lambda models, *a, k=k: jnp.asarray(method(models[k], *a))
            for k in range(len(self.models))
        ]
        return jax.lax.switch(self.index, branches, self.models, *map(jnp.asarray, args))
