"""The seed paper's figures 4, 6, 8 and 9 and what it states about them."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ohmprop import paper

POINTS = 400


@pytest.fixture(scope="module")
def panels() -> dict[str, paper.Panel]:
    return {panel.model: panel for panel in paper.figure_9(points=POINTS)}


@pytest.fixture(scope="module")
def judged() -> list[paper.Statement]:
    return paper.statements(points=POINTS)


class TestFigure4:
    def test_the_seed_diodes(self):
        relu, _, sigmoid, _ = paper.figure_4(points=61)
        assert relu.current == pytest.approx(np.minimum(relu.v, 0), abs=1e-12)
        both = np.maximum(sigmoid.v - 0.3, 0) + np.minimum(sigmoid.v + 0.3, 0)
        assert sigmoid.current == pytest.approx(both, abs=1e-12)

    def test_the_node_obeys_kirchhoff(self):
        v_t, i_s = 1.380649e-23 * 300.15 / 1.602176634e-19, 1e-12

        def shockley(v, bias):
            return i_s * np.expm1((v - bias) / v_t)

        laws = {
            ("ReLU", "piecewise linear"): lambda v: min(v, 0),
            ("ReLU", "exponential"): lambda v: -shockley(-v, -0.536),
            ("sigmoid", "piecewise linear"): lambda v: max(v - 0.3, 0) + min(v + 0.3, 0),
            ("sigmoid", "exponential"): lambda v: shockley(v, -0.236) - shockley(-v, -0.236),
        }
        for curve in paper.figure_4(points=9):
            law = laws[curve.shape, curve.law]
            assert curve.current == pytest.approx([law(v) for v in curve.v], rel=1e-9, abs=1e-15)
            for injected, node in zip(curve.injected, curve.node, strict=True):
                balance = brentq(lambda v: 4e-3 * v + law(v) - injected, -2, 2, xtol=1e-15)  # noqa: B023
                assert node == pytest.approx(balance, abs=1e-9)


def test_figure_6_writes_the_same_flux_twice():
    width, height = paper.figure_6()
    wanted = -np.asarray([-0.2, -0.6, -1.0, 0.4, 0.8, -0.5])
    assert np.abs(width.v) == pytest.approx(1.0)
    assert width.width == pytest.approx(np.abs(wanted) * 5e-6)
    assert height.width == pytest.approx(5e-6)
    assert height.v == pytest.approx(wanted)


def test_figure_8_is_the_printed_curve():
    data = paper.figure_8()
    assert (data.v[0], data.v[-1]) == (-1, 1)
    assert data.current == pytest.approx(0.2 * np.sinh(0.05 * data.v), rel=1e-9, abs=1e-15)


def seed_rate(model: str, v: float, x: float) -> float:
    """dx/dt as the seed's code computes it, with the resistances of the authors' page."""
    m = 16e3 + (100 - 16e3) * x
    ion = 1e-9 * 100 / 1e-8**2 * v / m
    if model == "linear_ion_drift":
        return ion
    if model == "joglekar":
        return ion * (1 - (2 * x - 1) ** 2)
    if model == "biolek":
        return ion * (1 - (x - (v <= 0)) ** 2)
    if model == "vteam":  # the window's argument is in metres
        if v > 0.5:
            return 5e-4 / 3e-9 * (v / 0.5 - 1) ** 3 * np.exp(-np.exp((3e-9 * x - 0.8) / 0.12))
        if v < -0.5:
            return -10 / 3e-9 * (-v / 0.5 - 1) * np.exp(-np.exp(-(3e-9 * x - 0.2) / 0.12))
        return 0.0
    if model == "yakopcic":
        if v > 0.5:
            window = np.exp(-(x - 0.3)) * (1 - x) / 0.7 if x >= 0.3 else 1
            return 4000 * (np.exp(v) - np.exp(0.5)) * window
        if v < -0.5:
            window = np.exp(5 * (x - 0.7)) * (x - 1e-3) / (0.7 - 1e-3) if x <= 0.7 else 1
            return -4000 * (np.exp(-v) - np.exp(0.5)) * window
        return 0.0
    beta = 1.602176634e-19 / 1.380649e-23 / 298.5
    on = 1 / (1 + np.exp(-beta * (v - 0.27)))
    off = 1 - 1 / (1 + np.exp(-beta * (v + 0.27)))
    return (on * (1 - x) - off * x) / 1e-4


def seed_current(model: str, v: np.ndarray, x: np.ndarray) -> np.ndarray:
    if model == "vteam":
        return v / 100 * 25.0**-x
    if model == "yakopcic":
        return 0.17 * x * np.sinh(0.05 * v)
    if model == "mms":
        return v * (x / 500 + (1 - x) / 1500)
    return v / (16e3 + (100 - 16e3) * x)


@pytest.mark.slow
class TestFigure9:
    @pytest.mark.parametrize("model", paper.MODELS)
    def test_against_the_seed_equations(self, panels, model):
        """The equations of the seed's code, written again here, through the first period."""
        loop = panels[model].loops[0]
        begin = {"vteam": 0.0, "mms": 0.0, "yakopcic": 1e-3 + 0.11 * 0.999}.get(model, 0.5)
        theta = np.linspace(0, 1, POINTS + 1)

        def rate(theta, x):
            speed = seed_rate(model, np.sin(2 * np.pi * theta), x[0]) / loop.frequency
            return [speed if (x[0] < 1 if speed > 0 else x[0] > 0) else 0.0]

        x = solve_ivp(rate, (0, 1), [begin], "LSODA", theta, rtol=1e-8, atol=1e-10, max_step=0.01)
        wanted = seed_current(model, np.sin(2 * np.pi * theta), np.clip(x.y[0], 0, 1))
        found = np.asarray(loop.trace.i)[: POINTS + 1]
        assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()

    def test_frequencies(self, panels):
        for panel in panels.values():
            assert panel.loops[1].frequency == pytest.approx(2.5 * panel.loops[0].frequency)
            assert panel.full[1].frequency == pytest.approx(3 * panel.full[0].frequency)
        # k phi = (M1^2 - M2^2)/(2 (r_off - r_on)), phi = 1/(pi f), to 99 % from half-way or 1 %
        panel = panels["linear_ion_drift"]
        for loops, m in ((panel.loops, 8050), (panel.full, 15841)):
            phi = (m**2 - 259**2) / (2 * 15900 * 1e9)
            assert loops[0].frequency == pytest.approx(1 / (np.pi * phi), rel=1e-5)


@pytest.mark.slow
class TestStatements:
    # What does not hold. Under rule a lobes of some models grow with the frequency; over the first
    # cycle Biolek's device drifts more at the lower frequency.
    FALSE = (
        ("linear_ion_drift", "rule a"),
        ("joglekar", "rule a"),
        ("biolek", "over the first of three cycles"),
        ("yakopcic", "rule a"),
    )

    def test_verdicts(self, judged):
        false = [s for s in judged if not s.holds]
        assert [s.subject for s in false] == [subject for subject, _ in self.FALSE]
        for statement, (_, words) in zip(false, self.FALSE, strict=True):
            assert words in statement.criterion

    @pytest.mark.parametrize("rule", ["rule a", "rule b"])
    def test_compression_is_judged_by_both_rules(self, judged, panels, rule):
        found = [s for s in judged if f"({rule}:" in s.criterion]
        assert [s.subject for s in found] == list(paper.MODELS)
        for s in found:
            panel = panels[s.subject]
            low, high = panel.full if rule == "rule a" else panel.loops
            ratio = high.metrics.lobe_area / low.metrics.lobe_area
            assert s.value == pytest.approx(ratio, rel=1e-9) and s.holds == (ratio < 1)

    def test_alternatives_are_told(self, judged):
        [sharp] = [s for s in judged if s.subject == "vteam" and "sharp transitions" in s.text]
        assert "with the state's change it is" in sharp.criterion
        told = {s.subject: "would not hold" in s.criterion for s in judged if "evince" in s.text}
        assert told == {"vteam": False, "yakopcic": False, "mms": True}

    def test_every_model_and_figure_is_judged(self, judged):
        assert {s.figure for s in judged} == {4, 6, 8, 9}
        assert {s.subject for s in judged if s.figure == 9} == set(paper.MODELS)

    @pytest.mark.parametrize(
        ("subject", "words", "low", "high"),
        [
            ("ReLU", "leakage", 0.0039, 0.0041),  # 4 mS over 4 mS + 1 S
            ("sigmoid", "sigmoid-like", 0.0039, 0.0041),
            ("yakopcic", "barely noticeable", 1.5e-4, 1.7e-4),  # b^2/(9 sqrt 3) = 1.6e-4
            ("linear_ion_drift", "point-symmetric", 0, 1e-6),
            ("joglekar", "point-symmetric", 0, 1e-6),
            ("biolek", "clear asymmetry", 0.1, 0.3),
            ("vteam", "opposite direction", 0.04, 0.042),  # 25^-0.99
            ("vteam", "threshold-based", 0.98, 1.05),
            ("yakopcic", "threshold-based", 1.0, 1.05),
            ("mms", "threshold-based", 0.5, 0.6),  # a sigmoid of 26 mV
            ("vteam", "rapid switching", 1.0, 1.2),
        ],
    )
    def test_numbers(self, judged, subject, words, low, high):
        [found] = [s for s in judged if s.subject == subject and words in s.text]
        assert low <= found.value <= high


def test_small_pictures_are_drawn(tmp_path):
    png = tmp_path / "f.png"
    for path in (
        paper.draw_figure_4(paper.figure_4(), png),
        paper.draw_figure_6(paper.figure_6(), png),
        paper.draw_figure_8(paper.figure_8(), png),
    ):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["f.png"]


@pytest.mark.long
def test_figure_9_is_drawn(tmp_path, panels):
    path = paper.draw_figure_9(list(panels.values()), tmp_path / "f.png")
    assert path.read_bytes().startswith(b"\x89PNG")
