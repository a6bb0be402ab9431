"""The picture of a fitted pulse response: branches one after another, means, units."""

import numpy as np
import pytest

from ohmprop.report import draw_pulse_fit
from ohmprop.report._fit_pulses import plot_pulse_fit

RISE = np.linspace(1e-5, 1e-4, 100)


def curves(key: str, *branches: int) -> dict[str, np.ndarray]:
    model = np.concatenate([RISE if way > 0 else RISE[::-1] for way in branches])
    return {
        "branch": np.repeat([float(way) for way in branches], 100),
        f"{key}_data": model + 1e-6 * (-1.0) ** np.arange(len(model)),
        f"{key}_model": model,
    }


def test_branches_follow_each_other_with_means_of_blocks():
    figure = draw_pulse_fit(curves("g", 1, -1), title="soft_$bounds", window=10)
    figure.canvas.draw()
    top, rest = figure.axes
    assert top.get_title() == "soft_$bounds"
    assert top.get_ylabel() == "conductance (µS)" and rest.get_ylabel() == "data − model (µS)"
    readings, means, model, *later = top.lines
    assert len(readings.get_xdata()) == 100 and len(means.get_xdata()) == 10
    np.testing.assert_allclose(means.get_ydata(), RISE.reshape(10, 10).mean(axis=1) * 1e6)
    np.testing.assert_allclose(model.get_ydata(), RISE * 1e6)
    assert later[0].get_xdata()[0] == 100 and later[1].get_marker() != means.get_marker()
    np.testing.assert_allclose(np.abs(rest.lines[1].get_ydata()), 1, atol=1e-9)
    labels = [text.get_text() for text in top.get_legend().get_texts()]
    assert labels == ["readings", "potentiation, mean of 10", "model", "depression, mean of 10"]


@pytest.mark.parametrize("way", [1, -1])
def test_one_normalised_branch(way, tmp_path):
    png = plot_pulse_fit(curves("y", way), tmp_path / "fit.png")
    assert png.read_bytes().startswith(b"\x89PNG") and list(tmp_path.iterdir()) == [png]
    figure = draw_pulse_fit(curves("y", way))
    assert figure.axes[0].get_ylabel() == "conductance (normalised)"
    assert figure.axes[0].lines[0].get_xdata()[0] == 0
