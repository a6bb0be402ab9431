"""The picture of a fit: what is drawn, on which axes, with which units."""

import numpy as np
import pytest

from ohmprop.report import draw_fit, plot_fit

T = np.linspace(0, 4e-3, 41)
V = np.sin(500 * np.pi * T)
DATA = 1e-3 * V * np.abs(V)
CURVES = {"t": T, "v": V, "i_data": DATA, "i_model": 1.1 * DATA, "x": np.linspace(0, 1, 41)}


@pytest.mark.parametrize("log", [True, False])
def test_panels(log):
    figure = draw_fit(CURVES, title="a_$fit", log=log)
    figure.canvas.draw()
    loop, rest, state = figure.axes
    assert loop.get_title() == "a_$fit" and loop.get_xlabel() == "voltage (V)"
    assert loop.get_ylabel() == ("|i| (A)" if log else "i (mA)")
    assert loop.get_yscale() == ("log" if log else "linear")
    assert [text.get_text() for text in loop.get_legend().get_texts()] == ["data", "model"]
    assert rest.get_xlabel() == state.get_xlabel() == "time (ms)"
    left = np.asarray(rest.lines[-1].get_ydata(), float)
    expected = np.full(41, np.log10(1.1)) if log else 0.1 * 1e3 * DATA
    np.testing.assert_allclose(left[1:-1][V[1:-1] != 0], expected[1:-1][V[1:-1] != 0], atol=1e-12)
    np.testing.assert_array_equal(state.lines[0].get_ydata(), CURVES["x"])


def test_zero_currents_leave_gaps_and_no_warning(tmp_path):
    data = np.where(T == 0, 0, DATA)
    path = plot_fit(CURVES | {"i_data": data, "i_model": 0 * data}, tmp_path / "fit.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["fit.png"]
