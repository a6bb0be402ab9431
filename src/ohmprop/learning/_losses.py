"""Losses, each beside the current that nudges the outputs down its slope.

The nudge injects I_k = -beta dC/dy_k into o_k+ and its opposite into o_k-. For the squared error
beta is a conductance (S); for the entropies, whose logits are y / v_l, it is in A V.
Source: Döll, Müller, Ulmann (2025), eq. 12; Kendall et al., arXiv 2006.01981.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import BadInput, nearest


class AbstractLoss(eqx.Module):
    """Cost C of one sample: outputs `y` (V) against targets (V), [b, k]."""

    @abc.abstractmethod
    def cost(self, y: Float[Array, "b k"], target: Float[Array, "b k"]) -> Float[Array, " b"]:
        """C per sample, summed over outputs: what is nudged and differentiated."""

    @abc.abstractmethod
    def slope(self, y: Float[Array, "b k"], target: Float[Array, "b k"]) -> Float[Array, "b k"]:
        """dC/dy."""

    def slope_change(self, y, target, dy):
        """dC/dy at y + dy minus at y, without subtraction where it can be avoided."""
        return self.slope(y + dy, target) - self.slope(y, target)

    @abc.abstractmethod
    def hessian(self, y: Float[Array, "b k"], target: Float[Array, "b k"]) -> Float[Array, "b k k"]:
        """d2C/dy2."""

    def report(self, y: Float[Array, "b k"], target: Float[Array, "b k"]) -> Float[Array, ""]:
        """The loss a run reports: the mean of C over samples and outputs."""
        return jnp.mean(self.cost(y, target)) / y.shape[-1]


class MSE(AbstractLoss):
    """C = sum_k (y_k - t_k)^2 / 2 in V^2."""

    def cost(self, y, target):
        return 0.5 * jnp.sum((y - target) ** 2, axis=-1)

    def slope(self, y, target):
        return y - target

    def slope_change(self, y, target, dy):
        del y, target
        return dy

    def hessian(self, y, target):
        del target
        k = y.shape[-1]
        return jnp.broadcast_to(jnp.eye(k, dtype=y.dtype), (*y.shape[:-1], k, k))


class BCE(AbstractLoss):
    """C = sum_k log(1 + e^z_k) - p_k z_k, z = y / v_l, p_k = 1 where the target is positive."""

    logit_scale: Float[Array, ""] | float = 0.1

    def cost(self, y, target):
        z = y / self.logit_scale
        return jnp.sum(jax.nn.softplus(z) - (target > 0) * z, axis=-1)

    def slope(self, y, target):
        return (jax.nn.sigmoid(y / self.logit_scale) - (target > 0)) / self.logit_scale

    def hessian(self, y, target):
        del target
        p = jax.nn.sigmoid(y / self.logit_scale)
        curvature = p * (1 - p) / self.logit_scale**2
        return curvature[..., None] * jnp.eye(y.shape[-1], dtype=y.dtype)


class CrossEntropy(AbstractLoss):
    """C = log sum_k e^z_k - z_class, z = y / v_l; the class is where the target is positive."""

    logit_scale: Float[Array, ""] | float = 0.1

    def cost(self, y, target):
        z = y / self.logit_scale
        return jax.nn.logsumexp(z, axis=-1) - jnp.sum((target > 0) * z, axis=-1)

    def slope(self, y, target):
        return (jax.nn.softmax(y / self.logit_scale) - (target > 0)) / self.logit_scale

    def hessian(self, y, target):
        del target
        p = jax.nn.softmax(y / self.logit_scale)
        spread = p[..., None] * (jnp.eye(y.shape[-1], dtype=y.dtype) - p[..., None, :])
        return spread / self.logit_scale**2

    def report(self, y, target):
        return jnp.mean(self.cost(y, target))


LOSSES = {"mse": MSE, "bce": BCE, "cross_entropy": CrossEntropy}


def make_loss(name: str, logit_scale: float = 0.1) -> AbstractLoss:
    """The loss called `name`; `logit_scale` v_l (V) is read by the entropies only."""
    if name not in LOSSES:
        raise BadInput(f"learning.loss: no loss named {name!r}.{nearest(name, LOSSES)}")
    return MSE() if name == "mse" else LOSSES[name](logit_scale)


def accuracy(y: Float[Array, "b k"], target: Float[Array, "b k"], multilabel: bool = False):
    """Share of samples right: by argmax, by sign for one output, by all signs if multilabel."""
    if multilabel or y.shape[-1] == 1:
        right = jnp.all((y > 0) == (target > 0), axis=-1)
    else:
        right = jnp.argmax(y, axis=-1) == jnp.argmax(target, axis=-1)
    return jnp.mean(right.astype(y.dtype))
