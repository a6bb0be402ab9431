"""The simulated bench: a network of modelled memristors that settles, is written and is read.

A bench has three verbs, state in and state out; learning sees nothing else of the hardware.
"""

from typing import Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..circuit import Network
from ..devices import AbstractMemristor
from ..drive import Increment, Pulse
from ..equilibrium import Equilibrium, Nudge, respond, solve
from ..equilibrium import nudge as solve_nudge

State = tuple[Array, ...]


class Written(NamedTuple):
    """States after a write; energy (J) it dissipated; devices standing at a bound, and of how many.

    Energy is the sum of V^2 t (G before + G after)/2 over the devices; ideal writes cost nothing.
    """

    state: State
    energy: Array
    clipped_fraction: Array


class SimulatedBench(eqx.Module):
    """`network` with one memristor model per crossbar; `rtol` of the KCL certificate or None.

    `integration`: pulses are written exactly, or by one Euler step as in the seed.
    """

    network: Network
    devices: tuple[AbstractMemristor, ...]
    rtol: float | None = eqx.field(static=True, default=None)
    integration: Literal["exact", "euler"] = eqx.field(static=True, default="exact")

    def read(self, state: State) -> State:
        """Conductances (S) of every crossbar."""
        return tuple(d.conductance(x) for d, x in zip(self.devices, state, strict=True))

    def settle(
        self,
        state: State,
        inputs: Float[Array, "b f"],
        nudge: Nudge | None = None,
        base: Equilibrium | None = None,
    ) -> Equilibrium:
        """Free equilibrium, or the nudged one as the exact change from `base`."""
        g = self.read(state)
        if nudge is None:
            return solve(self.network, g, inputs, rtol=self.rtol)
        base = self.settle(state, inputs) if base is None else base
        return solve_nudge(self.network, g, inputs, base, nudge, rtol=self.rtol)

    def derivative(
        self, state: State, inputs: Float[Array, "b f"], base: Equilibrium, current: Array
    ) -> State:
        """Response dv/dbeta of every layer to output currents per unit beta, at `base`."""
        return respond(self.network, self.read(state), inputs, base, current)

    def write(self, state: State, writes: tuple[Pulse | Increment, ...]) -> Written:
        """Apply one write per crossbar; states are clipped at the device's bounds."""
        after, energy, clipped, count = [], 0.0, 0.0, 0
        for device, x, pulse in zip(self.devices, state, writes, strict=True):
            before = device.conductance(x)
            if isinstance(pulse, Increment):
                ends = (device.conductance(device.lower), device.conductance(device.upper))
                g = jnp.clip(before + pulse.dg, jnp.minimum(*ends), jnp.maximum(*ends))
                new = jnp.clip(device.state(g), device.lower, device.upper)
            else:
                apply = device.pulse if self.integration == "exact" else device.euler
                new = apply(x, pulse.v, pulse.t)
                mean = 0.5 * (before + device.conductance(new))
                energy = energy + jnp.sum(pulse.v**2 * pulse.t * mean)
            after.append(new)
            clipped = clipped + jnp.sum((new <= device.lower) | (new >= device.upper))
            count += new.size
        energy = jnp.asarray(energy, after[0].dtype)
        return Written(tuple(after), energy, jnp.asarray(clipped, energy.dtype) / count)
