"""The contract every memristor model fulfils, and the record of a published parameter."""

import abc
import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ._exact import integrate

SEED_CODE = "ebana-with-memristors @19a3505 (code of the seed paper, 2025)"
SEED_FILES = "ebana-with-memristors @19a3505, configuration files: g_max=1e-2 S, g_min=1e-5 S"


class Parameter(NamedTuple):
    """One parameter of a model: `value` in the SI unit `unit`, and where it was printed."""

    value: float
    unit: str
    source: str


def as_leaf(value: ArrayLike) -> Array:
    """`value` as a floating-point array leaf; floating arrays keep their precision."""
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.floating):
        return value
    return jnp.asarray(value, dtype=float)


class Range(NamedTuple):
    """Values a parameter may have: `low` to `high`, ends included or not; always finite."""

    low: float = -math.inf
    high: float = math.inf
    low_included: bool = False

    def holds(self, value: np.ndarray) -> bool:
        """Whether every element of `value` is finite and in the range."""
        above = value >= self.low if self.low_included else value > self.low
        return bool(np.all(np.isfinite(value) & above & (value < self.high)))

    def __str__(self) -> str:
        least = [f"{'>=' if self.low_included else '>'} {self.low:g}"] * math.isfinite(self.low)
        most = [f"< {self.high:g}"] * math.isfinite(self.high)
        return " ".join(["a finite number", " and ".join(least + most)]).strip()


ANY = Range()
POSITIVE, NEGATIVE = Range(low=0), Range(high=0)
NOT_NEGATIVE = Range(low=0, low_included=True)
FRACTION = Range(low=0, high=1, low_included=True)


def leaf(allowed: Range = POSITIVE) -> Array:
    """Field of a model: a float array leaf, so that it can be traced, mapped and differentiated.

    `allowed` is what `make` accepts for it.
    """
    return eqx.field(converter=as_leaf, metadata={"allowed": allowed})


class AbstractMemristor(eqx.Module):
    """A memristor: state x in [lower, upper], current i(v, x) and rate dx/dt(v, x).

    Sign: v is the potential of the terminal nearer the input minus that of the other one. A pulse
    of positive `polarity * v` drives the device towards `r_on`, its greatest conductance.

    Every method works element by element on arrays of any (broadcastable) shape, and parameters
    may be arrays too, one value a device. `PARAMETERS` maps the name of a parameter set to its
    values with unit and source, `OPTIONS` to the structural choices that go with that set.
    The first set is the one `make` takes unless told otherwise. `ORDERED` holds pairs of parameters
    of which the first must be the smaller. `read_voltage` (V) is where the conductance of a
    nonlinear I-V curve is read. A `discrete` model moves in steps a pulse and has no rate in time.
    """

    r_on: eqx.AbstractVar[Array]
    r_off: eqx.AbstractVar[Array]

    polarity: ClassVar[int] = 1
    read_voltage: ClassVar[float] = 1.0
    discrete: ClassVar[bool] = False
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {}
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    ORDERED: ClassVar[tuple[tuple[str, str], ...]] = (("r_on", "r_off"),)

    @property
    @abc.abstractmethod
    def lower(self) -> Array:
        """Least state, in the model's state unit."""

    @property
    @abc.abstractmethod
    def upper(self) -> Array:
        """Greatest state, in the model's state unit."""

    @abc.abstractmethod
    def conductance(self, x: ArrayLike) -> Array:
        """Conductance in S at state `x` (models with nonlinear I-V: i/v at `read_voltage`)."""

    @abc.abstractmethod
    def state(self, g: ArrayLike) -> Array:
        """State whose conductance is `g` in S: the inverse of `conductance`, not clipped."""

    @abc.abstractmethod
    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """Current in A at voltage `v` in V and state `x`."""

    @abc.abstractmethod
    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dx/dt in state units per second at voltage `v` in V and state `x`."""

    def euler(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """State after one forward-Euler step, as in the seed: clip(x + t * rate(v, x)).

        Its error grows with the step (linear ion drift at x0 = 1/2, R_off/R_on = 160: -14 % of a
        step of 0.145). Arguments and result as for `pulse`.
        """
        return jnp.clip(jnp.asarray(x) + t * self.rate(v, x), self.lower, self.upper)

    def pulse(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """State after a rectangular pulse of `v` volts for `t` seconds, exact to 1e-7 of the span.

        By a quadrature of dx/rate; a model with a closed form overrides it. A device at a
        bound leaves it where the rate just inside points inwards.

        Args:
            x: state before, [...], state unit of the model.
            v: amplitude, [...], V.
            t: duration, [...], s, not negative.

        Returns:
            State after, [...], within the bounds.
        """
        return integrate(self.rate, x, v, t, self.lower, self.upper)


class AbstractSeparable(AbstractMemristor):
    """A memristor whose rate is a product, dx/dt = g(v) h(x, sign g).

    Then the state depends on the drive s, the integral of g(v) dt, alone while g keeps its sign:
    with T(x), the integral of dx/h, it is T^-1(T(x) + s). One `advance` so serves a pulse, a half
    wave and a sampled sweep alike, whatever the waveform.
    """

    @abc.abstractmethod
    def drive(self, v: ArrayLike) -> Array:
        """g(v), the factor of the rate that holds the voltage; its sign chooses h."""

    @abc.abstractmethod
    def advance(self, x: ArrayLike, s: ArrayLike) -> Array:
        """State after a drive of `s` (the integral of g(v) dt, of one sign), within the bounds."""

    def pulse(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """State after a rectangular pulse of `v` volts for `t` seconds: advance(x, g(v) t).

        Arguments and result as for `AbstractMemristor.pulse`; errors below 1e-9 of the span
        (1e-7 for window exponents below 1 or beyond 10).
        """
        return self.advance(x, self.drive(v) * t)
