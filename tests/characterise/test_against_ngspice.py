"""Traces against ngspice transients of the same equations, written here as behavioural sources.

The state, as a fraction of its span, is the voltage v(x) of a 1 F capacitor that a current source
charges with its rate; v(d) is the device's voltage, and a period takes 1 s, so that ngspice's
tolerances are relative to 1.
"""

import subprocess
from typing import Any, NamedTuple

import numpy as np
import pytest

from ohmprop import devices, drive, spice
from ohmprop.characterise import loop_metrics, simulate

pytestmark = pytest.mark.skipif(not spice.available(), reason="ngspice is not installed")


class Case(NamedTuple):
    """A device, its equations for ngspice, and the sine that drives it."""

    model: str
    current: str  # of the voltage v(d) and the state, A
    rate: str  # of the state as a fraction of its span, 1/s
    amplitude: float  # V
    frequency: float  # Hz
    offset: float = 0.0  # V
    r_series: float = 0.0  # ohm
    begin: float = 0.5  # of the span
    params: str = "published"
    changed: dict[str, Any] = {}
    nodes: str = ""  # further sources that the two equations use


DRIFT_M = "(100*v(x)+16000*(1-v(x)))"
K = 1e-14 * 100 / 1e-16  # 1/(A s)
BIOLEK = (
    f"v(d)/{DRIFT_M}",
    f"{K}*v(d)/{DRIFT_M}*(v(d)>0 ? 1-v(x)*v(x) : 1-(v(x)-1)*(v(x)-1))",
)
X = "(1e-3+0.999*v(x))"  # of Yakopcic's model, from its x_on to 1
BETA = 1.602176634e-19 / 1.380649e-23 / 298.5  # 1/V
TEAM_I = "v(d)/(50+950*v(x))"
VTEAM_I = "v(d)/(50*exp(v(x)*2.995732273553991))"  # 1 kilohm/50 ohm: a span


def team(i: str, off: str = "1", on: str = "1") -> str:
    """TEAM's rate at the current `i`, with the windows of either direction."""
    return (
        f"({i}>115u ? 8e-13/3e-9*({i}/115u-1)^3*{off} : "
        f"({i}<-8.9u ? -8e-13/3e-9*(-{i}/8.9u-1)^3*{on} : 0))"
    )


GAP = "(0.2+1.5*v(x))"  # nm
STANFORD_I = f"1e-3*exp(-{GAP}/0.25)*sinh(v(d)/0.25)"
KT = f"(8.617333262e-5*(298+v(d)*{STANFORD_I}*2100))"  # eV
GAMMA = f"(16-0.8*{GAP}^3)"
STANFORD_RATE = (
    f"({GAMMA}*abs(v(d))/12e-9<1.4e9 ? 0 : "
    f"-10/1.5e-9*exp(-0.6/{KT})*sinh({GAMMA}*0.25/12*v(d)/{KT}))"
)

# JART VCM v1b of the nominal filament: the fit of its current, v(i), and the printed rate.
N = "(0.008+19.992*v(x))"  # 1e26/m^3
Y = f"ln({N}/0.004)"
Z = f"({Y}-6.8845+5.8995e-1*v(d))"
FORWARD = (
    "-1.3769e-3*(exp(-8.1819e-2*v(d))-1)/(1.9687e-1-2.1833e-2*v(d)"
    f"+(-97.606+7.825*v(d)+99.296*exp(-7.1092e-2*v(d)))*((1.1713e-1+8.137e-2*v(d))*{N}/0.004)"
    "^(-(9.7733e-1+3.5214e-2*v(d)+1.2856e-2*v(d)^2)))"
    "^(1/(9.4207e-1+3.8953e-2*v(d)+2.3436e-2*v(d)^2))"
)
LINEAR = (
    "1.183*(-2.7034e-3*v(d)-4.5379e-6*v(d)^2)/(1+9.9115e-1*v(d)+4.4093e-1*v(d)^2)"
    f"*(-2.5955e3*(exp({Z}/(2.589e3+2.9537*exp(5.4031e-1*v(d))))-1)+{Z})"
)
P9 = "(3.9052+5.7078/(1+exp((v(d)+4.5637e-1)/1.431)))"
P10 = "(4.6925e-1+3.00385/(1+exp((v(d)+1.1871)/5.6947e-1)))"
P11 = "(10.667-10.53888/(1+exp((v(d)-7.4414e-1)/4.2381e-1)))"
LOGISTIC = f"(6.4705e-4*v(d)+5.1529e-5*v(d)^2)/(1+1.1708e-1*exp(-{P10}*({Y}-{P9})))^{P11}"
INSIDE = "(v(d)-v(i)*(1369.2437+719.2437*719.2437*3.92e-3*90471.47*v(i)^2))"
FIELD = f"(v(d)>0 ? {INSIDE}/3 : 1e-9*v(i)/({N}*2e26*1.602176634e-19*4e-6*6.361725123519332e-15))"
JART_KT = f"(8.617333262e-5*(293+v(i)*{INSIDE}*15.72e6*(v(d)>0 ? 0.27 : 1)))"  # eV
JART = f"""
Bi i 0 v = v(d)>0 ? {FORWARD} : {LINEAR}+{LOGISTIC}
Bs s1 0 v = 0.5*{FIELD}/(3.141592653589793*1.35)
Bk k 0 v = 1.35/{JART_KT}
"""
LEVEL = "(sqrt(1-v(s1)^2)+v(s1)*asin(v(s1)))"
JART_RATE = (
    f"-(20+{N})/2*0.25/0.4*2e13/19.992*(exp(-v(k)*({LEVEL}-1.570796326794897*v(s1)))"
    f"-exp(-v(k)*({LEVEL}+1.570796326794897*v(s1))))*(1-(v(d)>0 ? 0.008/{N} : {N}/20)^10)"
)

CASES = {
    # short of the bound, which the netlist lacks
    "linear_ion_drift": Case(
        "linear_ion_drift", f"v(d)/{DRIFT_M}", f"{K}*v(d)/{DRIFT_M}", 1.0, 2.0
    ),
    "biolek": Case("biolek", *BIOLEK, 1.0, 1.0),
    "biolek behind 3 kilohm": Case("biolek", *BIOLEK, 1.0, 1.0, r_series=3e3),
    "yakopcic": Case(
        "yakopcic",
        f"0.17*{X}*sinh(0.05*v(d))",
        f"(v(d)>0.16 ? 4000*(exp(v(d))-exp(0.16))*({X}>0.3 ? exp(-({X}-0.3))*(1-{X})/0.7 : 1) : "
        f"(v(d)<-0.15 ? -4000*(exp(-v(d))-exp(0.15))*"
        f"({X}<0.5 ? exp(5*({X}-0.5))*({X}-1e-3)/0.499 : 1) : 0))/0.999",
        0.4,
        200.0,
    ),
    "mms": Case(
        "mms",
        "v(d)*(v(x)*8.7e-3+(1-v(x))*0.91e-3)",
        f"((1-v(x))/(1+exp(-{BETA}*(v(d)-0.17)))-v(x)/(1+exp({BETA}*(v(d)+0.22))))/0.32e-3",
        0.4,
        200.0,
    ),
    "vteam": Case(
        "vteam",
        VTEAM_I,
        "v(d)>0.02 ? 5e-4/3e-9*(v(d)/0.02-1)*exp(-exp((v(x)-0.8)/0.12)) : "
        "(v(d)<-0.2 ? -10/3e-9*(-v(d)/0.2-1)^3*exp(-exp((0.2-v(x))/0.12)) : 0)",
        0.23,
        1e6,
    ),
    "team": Case("team", TEAM_I, team(TEAM_I), -0.13, 0.03, 0.1, begin=0.6, params="xyce"),
    "team exponential with window": Case(
        "team",
        VTEAM_I,
        team(VTEAM_I, "exp(-exp((v(x)-0.8)/0.12))", "exp(-exp((0.2-v(x))/0.12))"),
        -0.1,
        3e-3,
        0.09,
        begin=0.6,
        params="xyce",
        changed={
            "resistance": "exponential",
            "window": "kvatinsky",
            "a_on": 0.6e-9,
            "a_off": 2.4e-9,
            "w_c": 0.36e-9,
        },
    ),
    "stanford_pku": Case(
        "stanford_pku", STANFORD_I, STANFORD_RATE, -1.4, 3e6, begin=0.1, params="nanohub"
    ),
    "jart": Case("jart", "v(i)", JART_RATE, 0.9, 1e3, 0.3, nodes=JART),
}


def ngspice(case: Case, begin: float, folder, points=1000) -> tuple[np.ndarray, ...]:
    """Time (s), state (fraction), device voltage and current of one period."""
    text = f"""{case.model}
Vs s 0 sin({case.offset} {case.amplitude} 1)
{f"Rs s d {case.r_series}" if case.r_series else "Vd s d 0"}
Bd d 0 i = {case.current}
Bx 0 x i = ({case.rate})/{case.frequency}
Cx x 0 1 ic={begin}
{case.nodes}
.options reltol=1e-7 abstol=1e-14 vntol=1e-12 gmin=1e-15 method=gear maxord=4 temp=27
.control
set numdgt=15
tran {1 / points} 1 0 {0.02 / points} uic
linearize
wrdata {folder}/out.txt v(x) v(d) i(Vs)
quit
.endc
.end
"""
    (folder / "run.cir").write_text(text)
    done = subprocess.run(
        [spice.find_ngspice(), "-b", "run.cir"], cwd=folder, capture_output=True, timeout=120
    )
    out = folder / "out.txt"
    assert out.exists(), done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:]
    t, x, _, u, _, i = np.loadtxt(out).T[:6]
    return t / case.frequency, x, u, -i


def ours(case: Case):
    device = devices.make(case.model, case.params, **case.changed)
    span = device.upper - device.lower
    wave = drive.Sine(amplitude=case.amplitude, frequency=case.frequency, offset=case.offset)
    trace = simulate(
        device,
        wave,
        points=1000,
        r_series=case.r_series,
        x0=device.lower + case.begin * span,
    )
    return device, trace, np.asarray((trace.x - device.lower) / span)


# Seconds each; the others in `make long`.
QUICK = ("linear_ion_drift", "biolek behind 3 kilohm", "vteam", "team", "stanford_pku")
NAMES = [n if n in QUICK else pytest.param(n, marks=pytest.mark.long) for n in CASES]


@pytest.mark.parametrize("name", NAMES)
def test_state_and_current_are_ngspices(name, tmp_path):
    """The error of ngspice falls as the square of its step; JART's leap multiplies it."""
    case = CASES[name]
    _, trace, fraction = ours(case)
    t, x, u, i = ngspice(case, fraction[0], tmp_path)

    def at(y):
        return np.interp(np.asarray(trace.t), t, y)

    bar = 1e-3 if name == "jart" else 2e-6
    most = float(np.abs(np.asarray(trace.i)).max())
    assert np.ptp(fraction) > 0.08
    np.testing.assert_allclose(fraction, at(x), rtol=0, atol=bar)
    np.testing.assert_allclose(trace.v_device, at(u), rtol=0, atol=1e-7)
    np.testing.assert_allclose(trace.i, at(i), rtol=0, atol=bar * most)


def measured(t, fraction, v, i, read) -> dict[str, float]:
    """Numbers of one period of a sine without offset, from ngspice's arrays alone."""
    found = {"drift_per_cycle": float(fraction[-1] - fraction[0])}
    middle, speed = (v[1:] + v[:-1]) / 2, np.abs(np.diff(fraction) / np.diff(t))
    for name, sign in (("positive", 1), ("negative", -1)):
        here = sign * v > 0  # there and back, joined at the origin
        path_v, path_i = (np.concatenate([[0], a[here], [0]]) for a in (v, i))
        area = np.sum((path_i[1:] + path_i[:-1]) / 2 * np.diff(path_v))
        found[f"lobe_area_{name}"] = abs(float(area))
        moves = (sign * middle > 0) & (speed > 0.01 * speed[sign * middle > 0].max())
        found[f"threshold_{name}"] = sign * float(np.abs(middle[moves]).min())
    positive_v, positive_i = v[v > 0], i[v > 0]
    top = int(positive_v.argmax())
    up = np.interp(read, positive_v[:top], positive_i[:top])
    down = np.interp(read, positive_v[:top:-1], positive_i[:top:-1])
    found["r_off_over_r_on"] = max(up / down, down / up)
    return found


@pytest.mark.parametrize(
    ("name", "read"), [("vteam", 0.1), ("stanford_pku", 0.2), ("biolek behind 3 kilohm", 0.15)]
)
def test_metrics_are_those_of_ngspices_trace(name, read, tmp_path):
    case = CASES[name]
    device, trace, fraction = ours(case)
    found = loop_metrics(trace, device, read_voltage=read)
    for number, wanted in measured(*ngspice(case, fraction[0], tmp_path), read=read).items():
        least = 2e-6 if number == "drift_per_cycle" else 0  # which may be 0
        assert getattr(found, number) == pytest.approx(wanted, rel=2e-5, abs=least), number
    assert found.r_off_over_r_on is not None and found.r_off_over_r_on > 1.5
