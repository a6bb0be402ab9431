"""Pulse schemes: flux, polarity and the ideal write."""

import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop.drive import PAM, PWM, Ideal, Pulse

Q = jnp.asarray(np.array([[3e-6, -2e-6], [0.0, 5e-5]]))


@pytest.mark.parametrize("polarity", [1, -1])
def test_pwm_and_pam_apply_the_same_flux(polarity):
    wide, tall = PWM(2.0).write(Q, polarity), PAM(1e5).write(Q, polarity)
    assert isinstance(wide, Pulse) and isinstance(tall, Pulse)
    for pulse in (wide, tall):  # q > 0 lowers G: negative flux where polarity is +1
        np.testing.assert_allclose(pulse.v * pulse.t, -Q * polarity, rtol=1e-14)
        assert (np.asarray(pulse.t) >= 0).all()
    np.testing.assert_array_equal(np.abs(wide.v), 2.0)
    np.testing.assert_allclose(wide.t, np.abs(Q) / 2.0)
    np.testing.assert_allclose(tall.t, 1e-5)


@pytest.mark.parametrize("polarity", [1, -1])
def test_ideal_is_linear_whatever_the_polarity(polarity):
    np.testing.assert_array_equal(np.asarray(Ideal().write(Q, polarity)), [-Q])
    np.testing.assert_array_equal(np.asarray(Ideal().write(-3 * Q, polarity)), [3 * Q])
