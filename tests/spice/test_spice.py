"""ngspice against closed forms and scipy, and its failures as clear errors."""

import stat
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

from ohmprop import circuit, spice
from ohmprop._core import BadInput, OhmpropError, thermal_voltage

needs_ngspice = pytest.mark.skipif(
    not spice.available(), reason="ngspice is not installed (apt install ngspice)"
)


def one_hidden(diode=None, gain=1.0, shift=0.0, bias=(), currents=None):
    """x - g1 - h - amplifier - g2 - o - g3 - bias source."""
    return circuit.Network(
        features=1,
        hidden=(1,),
        outputs=1,
        bias=(np.array([]), np.array(bias)),
        diodes=(diode or circuit.NoDiode(),),
        amplifiers=(circuit.Amplifier(gain=gain, shift=shift),),
        currents=currents,
        doubled_inputs=False,
        doubled_outputs=False,
    )


def divider():
    return circuit.Network(
        features=1, hidden=(), outputs=1, bias=(np.array([0.5]),), doubled_outputs=False
    )


@needs_ngspice
def test_divider_and_nudge_match_the_closed_form():
    g = np.array([[1 / 3e3], [1 / 7e3], [1 / 11e3]])  # from x, -x and the bias to the output
    x = np.random.default_rng(0).uniform(-1, 1, (5, 1))
    nudge = np.linspace(-1e-6, 1e-6, 5)[:, None]
    (free,) = spice.operating_points(divider(), (g,), x)
    (nudged,) = spice.operating_points(divider(), (g,), x, (nudge,))
    closed = (x * (g[0] - g[1]) + 0.5 * g[2]) / g.sum()
    np.testing.assert_allclose(free, closed, rtol=0, atol=1e-15)
    np.testing.assert_allclose(nudged, closed + nudge / g.sum(), rtol=0, atol=1e-15)


@needs_ngspice
def test_amplifier_multiplies_forward_and_divides_backward():
    gain, shift, g1, g2, g3 = 4.0, 0.1, 1e-3, 2e-4, 5e-4
    network = one_hidden(gain=gain, shift=shift, bias=(0.3,))
    x, nudge = np.array([[0.2], [-0.4]]), np.array([[0.0], [3e-5]])
    h, o = spice.operating_points(
        network, (np.array([[g1]]), np.array([[g2], [g3]])), x, (None, nudge)
    )
    c = shift * (1 - gain)  # a = gain h + c
    matrix = np.array([[g1 + g2, -g2 / gain], [-gain * g2, g2 + g3]])
    for k in range(2):
        rhs = [g1 * x[k, 0] - g2 * c / gain, g2 * c + g3 * 0.3 + nudge[k, 0]]
        expected = np.linalg.solve(matrix, rhs)
        np.testing.assert_allclose([h[k, 0], o[k, 0]], expected, rtol=0, atol=1e-15)


@needs_ngspice
def test_amplifier_is_reciprocal_up_to_the_gain_squared():
    network = one_hidden(gain=4.0, bias=(0.0,))
    g = (np.array([[1e-3]]), np.array([[2e-4], [5e-4]]))
    x, one = np.zeros((2, 1)), 1e-4
    currents = (np.array([[one], [0.0]]), np.array([[0.0], [one]]))
    h, o = spice.operating_points(network, g, x, currents)
    np.testing.assert_allclose(o[0, 0], 16 * h[1, 0], rtol=1e-13)


DIODES = {
    "piecewise": circuit.PiecewiseLinearDiode(v_th=0.3, r_on=1.0),
    "upper": circuit.PiecewiseLinearDiode(v_th=0.1, r_on=20.0, sides="upper"),
    "lower": circuit.PiecewiseLinearDiode(v_th=0.1, r_on=20.0, sides="lower"),
    "shockley": circuit.ShockleyDiode(i_s=1e-9, n=1.3),
    "shockley_upper": circuit.ShockleyDiode(i_s=1e-7, n=1.3, sides="upper"),
    "shockley_lower": circuit.ShockleyDiode(i_s=1e-7, n=1.3, sides="lower"),
    "shockley_biased": circuit.ShockleyDiode(i_s=1e-9, n=1.0, v_bias=0.1),
}


def law(diode, v):
    """The diode's current, written here from the equations and not from the package."""
    upper, lower = diode.sides != "lower", diode.sides != "upper"
    if isinstance(diode, circuit.ShockleyDiode):
        n_vt = diode.n * thermal_voltage()
        return diode.i_s * (
            upper * np.expm1((v - diode.v_bias) / n_vt)
            - lower * np.expm1((-v - diode.v_bias) / n_vt)
        )
    up, down = max(0, v - diode.v_th), max(0, -v - diode.v_th)
    return (upper * up - lower * down) / diode.r_on


@needs_ngspice
@pytest.mark.parametrize("name", DIODES)
def test_diode_matches_brentq(name):
    diode, g1, g2, constant = DIODES[name], 1e-4, 1e-4, 2e-6
    network = one_hidden(diode, currents=(np.array([constant]), None))
    x = np.linspace(-1.5, 1.5, 13)[:, None]
    h, _ = spice.operating_points(network, (np.array([[g1]]), np.array([[g2]])), x)
    for k, source in enumerate(x[:, 0]):  # the output floats, so g2 carries no current

        def kcl(v, source=source):
            return g1 * (source - v) + constant - law(diode, v)

        exact = brentq(kcl, -2, 2, xtol=1e-15, rtol=np.float64(1e-15))
        assert abs(h[k, 0] - exact) < 2e-13


@needs_ngspice
def test_ideal_clamp_is_exact():
    g = (np.array([[1e-4]]), np.array([[1e-4]]))
    x = np.linspace(-1, 1, 9)[:, None]
    h, o = spice.operating_points(one_hidden(circuit.IdealClamp(-0.2, 0.4), gain=3.0), g, x)
    np.testing.assert_allclose(h, np.clip(x, -0.2, 0.4), rtol=0, atol=1e-15)
    np.testing.assert_allclose(o, 3 * h, rtol=0, atol=1e-15)
    h, _ = spice.operating_points(one_hidden(circuit.IdealClamp()), g, x)
    np.testing.assert_allclose(h, np.maximum(x, 0), rtol=0, atol=1e-15)


def test_missing_binary_says_how_to_install():
    assert not spice.available("no-such-ngspice")
    with pytest.raises(BadInput, match="apt install ngspice"):
        spice.run_ngspice("* nothing\n.end\n", binary="no-such-ngspice")


@needs_ngspice
def test_no_operating_point_names_the_sample_and_the_kept_netlist(tmp_path):
    text = spice.netlist(divider(), (np.full((3, 1), 1e-3),), [[0.1], [0.2], [0.3]])
    text = text.replace(".control", "Bbad bad 0 I=v(x0)>0.15 ? 1+v(bad)*v(bad) : v(bad)\n.control")
    with pytest.raises(spice.SpiceError, match="sample 1 of 3") as caught:
        spice.run_ngspice(text, keep_dir=tmp_path, timeout=60)
    assert isinstance(caught.value, OhmpropError) and caught.value.exit_code == 3
    (deck,) = tmp_path.glob("*/netlist.cir")
    assert str(deck) in str(caught.value) and deck.read_text() == text


@pytest.mark.parametrize(
    ("body", "timeout", "message"),
    [("kill -SEGV $$", 30, "status -11"), ("exec sleep 60", 0.2, "past")],
)
def test_crash_and_timeout_name_the_kept_netlist(tmp_path, body, timeout, message):
    fake = tmp_path / "ngspice"
    fake.write_text(f"#!/bin/sh\n{body}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(spice.SpiceError, match=message) as caught:
        spice.run_ngspice("* x\n", binary=fake, keep_dir=tmp_path / "kept", timeout=timeout)
    (deck,) = Path(tmp_path, "kept").glob("*/netlist.cir")
    assert str(deck) in str(caught.value)


@pytest.mark.parametrize(
    ("conductances", "inputs", "currents", "name"),
    [
        ((), [[0.1]], None, "conductances"),
        ((np.full((3, 1), -1.0),), [[0.1]], None, r"conductances\[0\]"),
        ((np.full((2, 1), 1.0),), [[0.1]], None, r"conductances\[0\]"),
        ((np.full((3, 1), 1.0),), [[np.nan]], None, "inputs"),
        ((np.full((3, 1), 1.0),), [[0.1]], ([[1.0, 2.0]],), r"currents\[0\]"),
    ],
)
def test_bad_arrays_are_named(conductances, inputs, currents, name):
    with pytest.raises(BadInput, match=name):
        spice.netlist(divider(), conductances, inputs, currents)
