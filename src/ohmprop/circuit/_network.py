"""The layered resistive network, and the change of variables that removes its amplifiers.

Layer l = 0 ... L-1 has nodes h^l; the last layer holds the outputs. Crossbar l joins the sources
a^l = [x, -x, bias] (l = 0) or a^l = [amplified h^(l-1), bias] to h^l. KCL at node j of layer l:

    sum_i G^l_ij (a_i - h_j) - i_d(h_j) - (1/A) sum_k G^(l+1)_jk (a_j - h'_k) + I_j = 0

Divide the voltages of layer l by S_l, the product of the gains before it. Then a_j = u_j + const
and the amplifier is gone: what is left is a reciprocal resistive network with couplings G^(l+1),
diode currents i_d(S u)/S, and the energy E = E^1 + E^2/A^2 + ... of the seed's network.

Sources: Döll, Müller, Ulmann (2025), Figs. 4c, 5; Kendall et al., arXiv 2006.01981.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import BadInput
from ._elements import AbstractDiode, Amplifier

Layers = tuple[Array, ...]


class ScaledCircuit(NamedTuple):
    """A network without amplifiers: KCL reads b_l + G_l' u_(l-1) + G_(l+1) u_(l+1) = D_l u_l + i_d.

    `couplings[l-1]` [n_(l-1), n_l] joins layers l-1 and l; `sources[l]` [b, n_l] are the currents
    that sources and amplifier offsets inject; `diagonal[l]` [n_l] is the sum of conductances at
    each node; `scale[l]` = S_l. `rows[l]` are the scaled voltages of crossbar l's fixed rows and
    `offsets[l]` the amplifier offset added to u_(l-1) on its way into crossbar l.
    """

    conductances: Layers
    couplings: Layers
    sources: Layers
    diagonal: Layers
    scale: tuple
    rows: Layers
    offsets: tuple

    def wordlines(self, layer: int, u: Layers) -> Array:
        """Scaled voltages on the rows of crossbar `layer`, [b, i]."""
        if layer == 0:
            return self.rows[0]
        return jnp.concatenate([u[layer - 1] + self.offsets[layer], self.rows[layer]], axis=-1)


class Network(eqx.Module):
    """Topology and fixed elements of a layered network; conductances are given separately.

    `features`, `hidden`, `outputs`: sizes; `bias`: volts of the extra source rows, one array per
    crossbar; `diodes`, `amplifiers`: one per hidden layer; `currents`: constant injected currents
    (A) per node layer, or None. With `doubled_inputs` the sources are [x, -x, bias]; with
    `doubled_outputs` output k is the difference of nodes 2k and 2k+1.

    Raises `BadInput` when the lengths do not fit together.
    """

    features: int = eqx.field(static=True)
    hidden: tuple[int, ...] = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    bias: tuple[Array | np.ndarray, ...]
    diodes: tuple[AbstractDiode, ...] = ()
    amplifiers: tuple[Amplifier, ...] = ()
    currents: tuple[Array | None, ...] | None = None
    doubled_inputs: bool = eqx.field(static=True, default=True)
    doubled_outputs: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        expected = {
            "bias": (len(self.bias), len(self.hidden) + 1, "crossbar"),
            "diodes": (len(self.diodes), len(self.hidden), "hidden layer"),
            "amplifiers": (len(self.amplifiers), len(self.hidden), "hidden layer"),
        }
        for name, (found, wanted, each) in expected.items():
            if found != wanted:
                raise BadInput(
                    f"network.{name}: expected {wanted} entries (one per {each} of "
                    f"hidden={list(self.hidden)}), found {found}."
                )
        if min((self.features, self.outputs, *self.hidden)) < 1:
            raise BadInput("network: features, outputs and every hidden size must be at least 1.")

    @property
    def layers(self) -> tuple[int, ...]:
        """Nodes in each layer, outputs last."""
        return (*self.hidden, self.outputs * (2 if self.doubled_outputs else 1))

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each crossbar."""
        inputs = self.features * (2 if self.doubled_inputs else 1)
        rows = (inputs, *self.hidden)
        return tuple((r + len(b), c) for r, b, c in zip(rows, self.bias, self.layers, strict=True))

    def scale(self) -> tuple:
        """S_l: the product of the gains between the inputs and node layer l."""
        scale: list[Array | float] = [1.0]
        for amplifier in self.amplifiers:
            scale.append(scale[-1] * amplifier.gain)
        return tuple(scale)

    def predict(self, outputs: Float[Array, "b n"]) -> Float[Array, "b k"]:
        """Predictions y_k = o_k+ - o_k- (V) from the voltages of the output nodes."""
        if not self.doubled_outputs:
            return outputs
        return outputs[..., 0::2] - outputs[..., 1::2]

    def output_currents(self, current: Float[Array, "b k"]) -> Float[Array, "b n"]:
        """Injected currents +I_k, -I_k (A) at the output nodes: the transpose of `predict`."""
        if not self.doubled_outputs:
            return current
        return jnp.stack([current, -current], axis=-1).reshape(*current.shape[:-1], -1)

    def scaled(self, conductances: Layers, inputs: Float[Array, "b f"]) -> ScaledCircuit:
        """The amplifier-free circuit of this network at `conductances` (S) and `inputs` (V)."""
        for l, (g, shape) in enumerate(zip(conductances, self.shapes, strict=True)):
            if g.shape != shape:
                raise BadInput(f"conductances[{l}]: expected shape {shape}, found {g.shape}.")
        if inputs.ndim != 2 or inputs.shape[1] != self.features:
            raise BadInput(
                f"inputs: expected shape (batch, {self.features}), found {inputs.shape}."
            )
        scale, dtype, batch = self.scale(), inputs.dtype, inputs.shape[0]
        diagonal = [jnp.sum(g, axis=0) for g in conductances]
        bias = [
            jnp.broadcast_to(jnp.asarray(b, dtype) / s, (batch, len(b)))
            for b, s in zip(self.bias, scale, strict=True)
        ]
        signed = [inputs, -inputs] if self.doubled_inputs else [inputs]
        rows = [jnp.concatenate([*signed, bias[0]], axis=-1), *bias[1:]]
        sources, couplings, offsets = [rows[0] @ conductances[0]], [], [0.0]
        for l in range(1, len(conductances)):
            g = conductances[l][: self.hidden[l - 1]]
            amplifier = self.amplifiers[l - 1]
            offset = amplifier.shift * (1.0 - amplifier.gain) / scale[l]
            fan_out = jnp.sum(g, axis=1)
            diagonal[l - 1] = diagonal[l - 1] + fan_out
            sources[l - 1] = sources[l - 1] - offset * fan_out
            fixed = rows[l] @ conductances[l][self.hidden[l - 1] :]
            sources.append(fixed + offset * jnp.sum(g, axis=0))
            couplings.append(g)
            offsets.append(offset)
        for l, current in enumerate(self.currents or ()):
            if current is not None:
                sources[l] = sources[l] + jnp.asarray(current, dtype) / scale[l]
        return ScaledCircuit(
            tuple(conductances), tuple(couplings), tuple(sources), tuple(diagonal), scale,
            tuple(rows), tuple(offsets),
        )  # fmt: skip
