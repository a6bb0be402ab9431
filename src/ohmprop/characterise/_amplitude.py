"""The amplitude taken where none is given: one at which the device switches."""

import jax.numpy as jnp
import numpy as np

from ..devices import AbstractMemristor
from ._switching import FULLY

USUAL = 1.0  # V
_LADDER = [m * USUAL * 10**k for k in range(3) for m in (1, 1.5, 2, 3, 5, 7)]
_STATES = 99


def switching_amplitude(device: AbstractMemristor) -> float:
    """Amplitude in V at which a device switches: 1 V, or the first of 1.5, 2, 3, 5, 7, 10, ... V.

    It is the first at which +V moves every state from 1 % to 99 % of the span one way and -V moves
    them all the other way. A device that none up to 700 V switches, and a model of pulse steps,
    get 1 V.

    Args:
        device: one device, parameters without axes.

    Example:
        >>> from ohmprop import devices
        >>> [switching_amplitude(devices.make("team", params)) for params in ("xyce", "published")]
        [1.0, 30.0]
    """
    if device.discrete:
        return USUAL
    x = device.lower + (device.upper - device.lower) * jnp.linspace(*FULLY, _STATES)
    v = jnp.asarray(_LADDER)[:, None]
    plus, minus = (np.sign(np.asarray(device.rate(s * v, x))) for s in (1, -1))
    one_way = np.all((plus == plus[:, :1]) & (plus != 0) & (minus == -plus), axis=1)
    return float(_LADDER[int(np.argmax(one_way))])
