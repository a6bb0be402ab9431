"""Steps interpolated between nodes, for devices known by measurement only.

    s(w) = +-D [(1 - q) y_k + q y_(k+1)],    k + q = (m - 1) (w - w_min)/(w_max - w_min)

Source: aihwkit, src/rpucuda/rpu_piecewisestep_device.cpp.
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._base import NOT_NEGATIVE, Parameter, leaf
from ._base import AbstractStep
from ._presets import defaults


class PiecewiseStep(AbstractStep):
    """Steps by linear interpolation; the set "default" is aihwkit's, one node: a constant step.

    Args beyond `AbstractStep`'s:
        nodes_up, nodes_down: steps in units of dw_min at m points spread evenly from w_min to
            w_max, [..., m]; the last axis is the nodes', a number is one node. aihwkit calls them
            piecewise_up and piecewise_down.

    Example:
        >>> from ohmprop import devices
        >>> device = devices.make("piecewise_step", nodes_up=[1.5, 1.0, 1.5], dw_min=0.1)
        >>> [round(float(device.step(w, True)), 3) for w in (-0.6, -0.3, 0.0)]
        [0.15, 0.125, 0.1]
    """

    nodes_up: Array = leaf(NOT_NEGATIVE)
    nodes_down: Array = leaf(NOT_NEGATIVE)

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "default": defaults(nodes_up=1.0, nodes_down=1.0),
    }
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {"default": {"dtod_law": "normal"}}

    def step(self, x: ArrayLike, up: ArrayLike) -> Array:
        """+-D times the interpolated node value."""
        position = (self._clip(jnp.asarray(x)) - self.w_min) / (self.w_max - self.w_min)
        value = jnp.where(up, _hats(self.nodes_up, position), _hats(self.nodes_down, position))
        return jnp.where(up, 1, -1) * self.size(up) * value


def _hats(nodes: Array, position: Array) -> Array:
    """Linear interpolation of `nodes` [..., m], spread evenly over [0, 1], at `position` [...]."""
    nodes = jnp.atleast_1d(nodes)
    index = jnp.arange(nodes.shape[-1], dtype=nodes.dtype)
    distance = jnp.abs(position[..., None] * (nodes.shape[-1] - 1) - index)
    return jnp.sum(nodes * jnp.maximum(1 - distance, 0), axis=-1)
