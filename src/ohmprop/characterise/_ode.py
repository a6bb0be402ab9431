"""Device states in time by Diffrax: for rates that are no product, and for loaded devices."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from .._core import BadInput
from ..devices._exact import EDGE
from ..drive import AbstractWaveform

_STEPS = 200_000


def integrate_ode(
    device, load, x0: Array, waveform: AbstractWaveform, t: np.ndarray, each, batch, *, tolerance
) -> Array:
    """States at `t` within `tolerance` of the span, by an error-controlled Runge-Kutta method.

    First explicit (Tsitouras 5(4)), then, where that does not end within 200,000 steps, implicit
    (Kvaerno 5(4)). Corners of the waveform are never stepped over, nor more than a 50th of a
    period at once. At a bound the rate outwards is 0. A
    bound is taken `EDGE` of the span inside, as by `advance`: a window of 0 holds no device there.

    Args:
        device, load, x0: one device, or with leading axes `batch`, run by `each`.
        waveform: voltage of the source, V.
        t: times to save, s, [t].

    Raises:
        BadInput: neither method comes to the end.
    """
    shared = waveform, jnp.asarray(t), jnp.asarray(tolerance)
    for method in (_explicit, _implicit):
        x, finished = each(method, batch, (device, load, x0), *shared)
        if bool(jnp.all(finished)):
            return x
    raise BadInput(
        f"simulate: the state changes too fast to be followed to {tolerance:g} of its span in "
        f"{_STEPS} steps; raise the frequency or the tolerance, lower the voltage, or add a series "
        "resistance."
    )


def _explicit(*args):
    import diffrax  # half a second to import

    return _integrate(diffrax.Tsit5(), *args)


def _implicit(*args):
    import diffrax

    return _integrate(diffrax.Kvaerno5(), *args)


def _integrate(solver, device, load, x0, waveform, t, tolerance):
    import diffrax

    lower, span = device.lower, device.upper - device.lower

    def rate(now, y, _):
        x = lower + span * jnp.clip(y, EDGE, 1 - EDGE)
        speed = device.rate(load.across(device, waveform(now), x), x) / span
        outwards = ((y <= EDGE) & (speed < 0)) | ((y >= 1 - EDGE) & (speed > 0))
        return jnp.where(outwards, 0.0, speed)

    # Errors of the steps, and of the interpolation between them, add up.
    step = jnp.maximum(1e-3 * tolerance, 1e-13)
    control = diffrax.PIDController(
        rtol=step,
        atol=step,
        dtmax=waveform.duration / (50 * waveform.periods),
    )
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(rate),
        solver,
        t0=t[0],
        t1=t[-1],
        dt0=None,
        y0=jnp.clip((x0 - lower) / span, EDGE, 1 - EDGE),
        saveat=diffrax.SaveAt(ts=t),
        stepsize_controller=diffrax.ClipStepSizeController(
            control, jump_ts=jnp.append(waveform.corners, t[-1])
        ),
        max_steps=_STEPS,
        adjoint=diffrax.ForwardMode(),
        throw=False,
    )
    assert solution.ys is not None
    y = solution.ys
    x = jnp.where(y <= EDGE, lower, jnp.where(y >= 1 - EDGE, device.upper, lower + span * y))
    return x, solution.result == diffrax.RESULTS.successful
