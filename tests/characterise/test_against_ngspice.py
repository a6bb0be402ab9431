"""Traces against ngspice transients of the same equations, written here as behavioural sources.

The state, as a fraction of its span, is the voltage of a 1 F capacitor that a current source
charges with its rate in units of 1/`scale`, so that ngspice's tolerances are relative to 1.
"""

import subprocess

import numpy as np
import pytest

from ohmprop import devices, drive, spice
from ohmprop.characterise import simulate

pytestmark = pytest.mark.skipif(not spice.available(), reason="ngspice is not installed")

DRIFT_M = "(100*v(x)+16000*(1-v(x)))"
K = 1e-14 * 100 / 1e-16  # 1/(A s)
CASES = {
    # model: overrides, current of the voltage v(d) and the state, its rate in 1/s
    "linear_ion_drift": ({}, f"v(d)/{DRIFT_M}", f"{K}*v(d)/{DRIFT_M}"),
    "biolek": (
        {},
        f"v(d)/{DRIFT_M}",
        f"{K}*v(d)/{DRIFT_M}*(v(d)>0 ? 1-v(x)*v(x) : 1-(v(x)-1)*(v(x)-1))",
    ),
    "yakopcic": (
        {},
        "0.17*v(x)*sinh(0.05*v(d))",
        "v(d)>0.16 ? 4000*(exp(v(d))-exp(0.16))*(v(x)>0.3 ? exp(-(v(x)-0.3))*(1-v(x))/0.7 : 1) : "
        "(v(d)<-0.15 ? -4000*(exp(-v(d))-exp(0.15))*"
        "(v(x)<0.5 ? exp(5*(v(x)-0.5))*(v(x)-1e-3)/0.499 : 1) : 0)",
    ),
    "mms": (
        {},
        "v(d)*(v(x)*8.7e-3+(1-v(x))*0.91e-3)",
        f"((1-v(x))/(1+exp(-{(B := 1.602176634e-19 / 1.380649e-23 / 298.5)}*(v(d)-0.17)))"
        f"-v(x)/(1+exp({B}*(v(d)+0.22))))/0.32e-3",
    ),
}
RUNS = [
    ("linear_ion_drift", 1.0, 2.0, 0.0),  # short of the bound, which the netlist lacks
    ("biolek", 1.0, 1.0, 0.0),
    pytest.param("yakopcic", 0.4, 200.0, 0.0, marks=pytest.mark.long),
    pytest.param("mms", 0.4, 200.0, 0.0, marks=pytest.mark.long),
    ("biolek", 1.0, 1.0, 3e3),  # in series with 3 kilohm
]


@pytest.mark.parametrize(("model", "amplitude", "frequency", "r_series"), RUNS)
def test_state_and_current_are_ngspices(model, amplitude, frequency, r_series, tmp_path):
    overrides, current, rate = CASES[model]
    device = devices.make(model, "published", **overrides)
    wave = drive.Sine(amplitude=amplitude, frequency=frequency)
    trace = simulate(device, wave, points=1000, r_series=r_series)
    fraction = np.asarray(trace.x) / float(device.upper)
    text = f"""{model}
Vs s 0 sin(0 {amplitude} {frequency})
{f"Rs s d {r_series}" if r_series else "Vd s d 0"}
Bd d 0 i = {current}
Bx 0 x i = ({rate})/{frequency}
Cx x 0 {1 / frequency} ic={fraction[0]}
.options reltol=1e-7 abstol=1e-14 vntol=1e-12 gmin=1e-15 method=gear maxord=4 temp=27
.control
set numdgt=15
tran {1e-3 / frequency} {1 / frequency} 0 {1e-4 / frequency} uic
linearize
wrdata {tmp_path}/out.txt v(x) v(d) i(Vs)
quit
.endc
.end
"""
    (tmp_path / "run.cir").write_text(text)
    done = subprocess.run(
        [spice.find_ngspice(), "-b", "run.cir"], cwd=tmp_path, capture_output=True, timeout=120
    )
    out = tmp_path / "out.txt"
    assert out.exists(), done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:]
    t, x, _, u, _, i = np.loadtxt(out).T[:6]
    ours_t = np.asarray(trace.t)

    def at(y):
        return np.interp(ours_t, t, y)

    assert np.ptp(fraction) > 0.1
    np.testing.assert_allclose(fraction, at(x), rtol=0, atol=5e-5)
    np.testing.assert_allclose(trace.v_device, at(u), rtol=0, atol=1e-4 * amplitude)
    most = float(np.abs(np.asarray(trace.i)).max())
    np.testing.assert_allclose(trace.i, -at(i), rtol=0, atol=2e-4 * most)
