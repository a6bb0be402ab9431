"""The crossbar as a multiplier, and two ways to give it negative weights.

Source: Döll, Müller, Ulmann (2025), Figs. 1 and 2, eq. 4.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def vmm(u: Float[Array, "... i"], g: Float[Array, "i j"]) -> Float[Array, "... j"]:
    """Currents (A) into bitlines held at virtual ground: I_j = sum_i U_i G_ij (eq. 4).

    `u`: wordline voltages in volts; `g`: conductances in siemens.

    >>> import jax.numpy as jnp
    >>> vmm(jnp.array([1.0, 2.0]), jnp.array([[1e-3], [2e-3]])).round(4).tolist()
    [0.005]
    """
    return u @ g


def double_wordlines(
    u: Float[Array, "... i"], w: Float[Array, "i j"], g_min: float = 0.0
) -> tuple[Float[Array, "... 2i"], Float[Array, "2i j"]]:
    """Signed weights `w` (S) by a second wordline at -U (Fig. 2a): I = U w.

    Returns voltages [U, -U] and conductances [max(w, 0); max(-w, 0)] + g_min, all >= g_min.
    """
    rows = jnp.concatenate([jnp.maximum(w, 0), jnp.maximum(-w, 0)], axis=-2) + g_min
    return jnp.concatenate([u, -u], axis=-1), rows


def double_bitlines(w: Float[Array, "i j"], g_min: float = 0.0) -> Float[Array, "i 2j"]:
    """Signed weights `w` (S) by a second bitline (Fig. 2b): w_j = G_(2j) - G_(2j+1).

    Columns alternate +, -, as the outputs o1+, o1-, o2+, ... of a layered network do.
    """
    pair = jnp.stack([jnp.maximum(w, 0), jnp.maximum(-w, 0)], axis=-1) + g_min
    return pair.reshape(w.shape[0], 2 * w.shape[1])
