"""What the pulse-step models share: the weight, the count of pulses, noise and variability.

    up:    w <- clip(w + s_up(w) + sigma xi)
    down:  w <- clip(w - s_down(w) + sigma xi)

Source: the update rules of IBM's Analog Hardware Acceleration Kit (aihwkit), src/rpucuda; as its
code has them where its documentation differs.
"""

import abc
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from ..._core import BadInput, nearest
from .._base import ANY, NOT_NEGATIVE, AbstractMemristor, Range, leaf

_LAWS = ("normal", "lognormal")


class AbstractStep(AbstractMemristor):
    """A device that moves one step a pulse; state w in [w_min, w_max], the weight, dimensionless.

    Conductance is linear in w, from 1/r_off at w_min to 1/r_on at w_max. One unit pulse is
    `v_pulse` volts for `t_pulse` seconds, and a pulse of v for t counts as the real number

        n = |v| t / (v_pulse t_pulse)

    of unit pulses in the direction of v. `pulse` takes floor(n) whole steps and then a step scaled
    by what is left of n, without noise (models linear in w: the closed form for real n). `sample`
    takes whole steps only, floor(n + u) of them with u uniform on [0, 1), so n on average, each
    with its cycle-to-cycle noise. Reset, leakage, diffusion and corrupt devices are left out.

    Steps at w = 0 are dw_min (1 + min(up_down, 0)) upwards and dw_min (1 - max(up_down, 0))
    downwards: the code reduces one direction, where its documentation has dw_min (1 +- up_down).

    Args of every model:
        r_on, r_off: resistance at w_max and w_min, ohm.
        v_pulse, t_pulse: amplitude (V) and length (s) of the unit pulse.
        w_min, w_max: bounds of the weight, w_min <= 0 < w_max.
        dw_min: step at w = 0, mean over devices.
        up_down: bias between the directions, -1 < up_down < 1.
        dw_min_std: standard deviation of a step from cycle to cycle, in steps.
        write_noise_std: that of the weight seen about the weight kept, in units of dw_min.
        dw_min_dtod, up_down_dtod, w_min_dtod, w_max_dtod: device to device, relative to dw_min,
            dw_min, w_min and w_max.
        dtod_law: law of dw_min over devices: "normal" (1 + sigma xi) or "lognormal" (e^(sigma xi)).
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    v_pulse: Array = leaf()
    t_pulse: Array = leaf()
    w_min: Array = leaf(ANY)
    w_max: Array = leaf()
    dw_min: Array = leaf()
    up_down: Array = leaf(Range(low=-1, high=1))
    dw_min_std: Array = leaf(NOT_NEGATIVE)
    write_noise_std: Array = leaf(NOT_NEGATIVE)
    dw_min_dtod: Array = leaf(NOT_NEGATIVE)
    up_down_dtod: Array = leaf(NOT_NEGATIVE)
    w_min_dtod: Array = leaf(NOT_NEGATIVE)
    w_max_dtod: Array = leaf(NOT_NEGATIVE)
    dtod_law: str = eqx.field(static=True, kw_only=True)

    discrete: ClassVar[bool] = True
    ORDERED: ClassVar[tuple[tuple[str, str], ...]] = (("r_on", "r_off"), ("w_min", "w_max"))
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {"dtod_law": _LAWS}

    def __check_init__(self) -> None:
        for option, known in self.CHOICES.items():
            found = getattr(self, option)
            if found not in known:
                raise BadInput(f"unknown {option} {found!r}.{nearest(found, known)}")

    @abc.abstractmethod
    def step(self, x: ArrayLike, up: ArrayLike) -> Array:
        """Signed change of the weight by one noiseless pulse from `x`, before clipping."""

    def noise(self, x: ArrayLike, up: ArrayLike) -> Array:
        """Standard deviation of one pulse's change from cycle to cycle: dw_min_std |step|."""
        return self.dw_min_std * jnp.abs(self.step(x, up))

    @property
    def lower(self) -> Array:
        """w_min."""
        return self.w_min

    @property
    def upper(self) -> Array:
        """w_max."""
        return self.w_max

    def conductance(self, x: ArrayLike) -> Array:
        """G = 1/r_off + (1/r_on - 1/r_off) (w - w_min)/(w_max - w_min), S."""
        fraction = (jnp.asarray(x) - self.w_min) / (self.w_max - self.w_min)
        return fraction / self.r_on + (1 - fraction) / self.r_off

    def state(self, g: ArrayLike) -> Array:
        """w = w_min + (w_max - w_min) (g - 1/r_off)/(1/r_on - 1/r_off)."""
        fraction = (jnp.asarray(g) - 1 / self.r_off) / (1 / self.r_on - 1 / self.r_off)
        return self.w_min + (self.w_max - self.w_min) * fraction

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = v G, A."""
        return jnp.asarray(v) * self.conductance(x)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dw/dt = step |v| / (v_pulse t_pulse), 1/s: the steps spread evenly over time."""
        v = jnp.asarray(v)
        return self.step(x, v >= 0) * jnp.abs(v) / (self.v_pulse * self.t_pulse)

    def pulses(self, v: ArrayLike, t: ArrayLike) -> Array:
        """n = |v| t / (v_pulse t_pulse), the unit pulses in a pulse of `v` volts, `t` seconds."""
        return jnp.abs(jnp.asarray(v)) * t / (self.v_pulse * self.t_pulse)

    def pulse(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """Weight after a pulse of `v` volts for `t` seconds, without noise.

        Exact for whole n. Iterated models stop early once no weight moves any more; derivatives:
        forward mode (both modes for the models linear in w).

        Args:
            x: weight before, [...].
            v: amplitude, [...], V.
            t: duration, [...], s, not negative.

        Returns:
            Weight after, [...], within the bounds.
        """
        return self.steps(x, jnp.asarray(v) >= 0, self.pulses(v, t))

    def steps(self, x: ArrayLike, up: ArrayLike, n: ArrayLike) -> Array:
        """Weight after floor(n) noiseless steps and one scaled by the rest of `n`."""
        x, up, n = self._broadcast(x, up, n)
        whole = jnp.floor(n)

        def unfinished(carry):
            count, _, moving = carry
            return (count < jnp.max(whole)) & moving

        def one(carry):
            count, x, _ = carry
            new = jnp.where(count < whole, self._clip(x + self.step(x, up)), x)
            return count + 1, new, jnp.any(new != x)

        x = lax.while_loop(unfinished, one, (jnp.asarray(0), x, jnp.asarray(True)))[1]
        return self._clip(x + (n - whole) * self.step(x, up))

    def sample(self, key: Array, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """Weight after a pulse drawn at random: a whole number of noisy steps.

        Args:
            key: JAX random key.
            x, v, t: as for `pulse`.

        Returns:
            The weight kept, [...], within the bounds (see `apparent` for the weight seen).
        """
        x, up, n = self._broadcast(x, jnp.asarray(v) >= 0, self.pulses(v, t))
        rounding, cycles = jax.random.split(key)
        whole = jnp.floor(n + jax.random.uniform(rounding, n.shape, n.dtype))

        def one(carry):
            count, x = carry
            xi = jax.random.normal(jax.random.fold_in(cycles, count), x.shape, x.dtype)
            new = self._clip(x + self.step(x, up) + self.noise(x, up) * xi)
            return count + 1, jnp.where(count < whole, new, x)

        return lax.while_loop(lambda c: c[0] < jnp.max(whole), one, (jnp.asarray(0), x))[1]

    def apparent(self, key: Array, x: ArrayLike) -> Array:
        """Weight that is seen where `x` is kept: x + write_noise_std dw_min xi, clipped.

        Redrawn whenever the device is written. aihwkit does not clip it, but then a conductance
        could be negative.
        """
        x = jnp.asarray(x)
        xi = jax.random.normal(key, x.shape, jnp.result_type(x, self.dw_min))
        return self._clip(x + self.write_noise_std * self.dw_min * xi)

    def spread(self, key: Array, shape: tuple[int, ...]) -> Self:
        """A crossbar of differing devices: the parameters drawn device by device.

            bounds:  w_max (1 + w_max_dtod xi), w_min alike, set on either side of 0
            steps:   dw_min |g + min(up_down, 0) + r|, dw_min |g - max(up_down, 0) - r|

        with g = 1 + dw_min_dtod xi, or e^(dw_min_dtod xi), and r = up_down_dtod xi.

        Args:
            key: JAX random key.
            shape: shape of the crossbar, such as (rows, columns).

        Returns:
            A device whose parameters have that shape.
        """
        high, low, gain, bias = (
            jax.random.normal(k, shape, self.w_max.dtype) for k in jax.random.split(key, 4)
        )
        high = self.w_max * (1 + self.w_max_dtod * high)
        low = self.w_min * (1 + self.w_min_dtod * low)
        gain = self.dw_min_dtod * gain
        gain = jnp.exp(gain) if self.dtod_law == "lognormal" else 1 + gain
        largest, up_down = directions(gain, self.up_down, self.up_down_dtod * bias)
        return replace(
            self,
            w_min=-jnp.abs(jnp.minimum(low, high)),
            w_max=jnp.abs(jnp.maximum(low, high)),
            dw_min=self.dw_min * largest,
            up_down=up_down,
            write_noise_std=self.write_noise_std / largest,  # its unit is the mean step
        )

    def size(self, up: ArrayLike) -> Array:
        """Unsigned step at w = 0 in the direction `up`."""
        factors = 1 + jnp.minimum(self.up_down, 0), 1 - jnp.maximum(self.up_down, 0)
        return self.dw_min * jnp.where(up, *factors)

    def _clip(self, x: Array) -> Array:
        return jnp.clip(x, self.w_min, self.w_max)

    def _broadcast(self, x: ArrayLike, up: ArrayLike, n: ArrayLike) -> tuple[Array, Array, Array]:
        """`x`, `up` and `n` in the shape of a step, `x` and `n` in its precision."""
        x, up, n = map(jnp.asarray, (x, up, n))
        like = jax.eval_shape(self._clip, jax.eval_shape(self.step, x, up))
        shape = jnp.broadcast_shapes(like.shape, n.shape)
        x, n = (jnp.broadcast_to(a, shape).astype(like.dtype) for a in (x, n))
        return x, jnp.broadcast_to(up, shape), n


def directions(gain: Array, bias: Array, r: Array) -> tuple[Array, Array]:
    """Larger of two factors, |gain + min(bias, 0) + r| and |gain - max(bias, 0) - r|, and the bias
    that gives both back from it."""
    up = jnp.abs(gain + jnp.minimum(bias, 0) + r)
    down = jnp.abs(gain - jnp.maximum(bias, 0) - r)
    largest = jnp.maximum(up, down)
    return largest, (up - down) / largest
