"""Several models behind one: so that runs on different devices share one compiled program."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from ._base import AbstractMemristor


class Mixed(AbstractMemristor):
    """The device `models[index]`; mapped over `index`, each run costs what its own model costs.

    A program mapped over cells would compute every model for every cell, for `lax.switch` becomes
    a selection. Instead a map over `sum(counts)` cells takes the first `counts[0]` cells to be of
    the first model, the next `counts[1]` of the second and so on (`index` must say the same), and
    computes each model on its own cells alone.

    Args:
        models: one device a model; mapped, each with a leading axis of all cells on its leaves.
        index: which of them this one is.
        counts: cells of each model, in the order of `models`.
    """

    models: tuple[AbstractMemristor, ...]
    index: Int[Array, ""]
    counts: tuple[int, ...] = eqx.field(static=True)

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

    def _of(self, method: Callable[..., Array], *args: ArrayLike) -> Array:
        """`method(model, *args)` of this device's own model."""

        @custom_vmap
        def own(models, index, *args):
            branches = [lambda *a, m=m: method(m, *a) for m in models]
            return jax.lax.switch(index, branches, *args)

        @own.def_vmap
        def each_its_own(size, batched, models, index, *args):
            if size != sum(self.counts):
                raise ValueError(f"Mixed: expected a map over {sum(self.counts)} cells, not {size}")
            mapped = jax.tree.map(
                lambda leaf, has: leaf if has else jnp.broadcast_to(leaf, (size, *jnp.shape(leaf))),
                (models, args),
                (batched[0], tuple(batched[2:])),
            )
            ends = np.cumsum(self.counts)
            parts = []
            for k, (start, stop) in enumerate(zip(ends - self.counts, ends, strict=True)):
                model, own_args = jax.tree.map(
                    lambda leaf, a=start, b=stop: leaf[a:b], (mapped[0][k], mapped[1])
                )
                parts.append(jax.vmap(method)(model, *own_args))
            return jnp.concatenate(parts), True

        return own(self.models, self.index, *(jnp.asarray(a) for a in args))
