"""The picture of a pulse response: both branches, their curves, units and scales."""

import numpy as np
import pytest

from ohmprop.report import PulseRecord, draw_pulses, plot_pulses

RISE = 1e-5 + 9e-5 * (1 - np.exp(-np.linspace(0, 5, 51)))
LINE = np.linspace(1e-5, 1e-4, 51)


def draw(up, down, **options):
    figure = draw_pulses(
        [
            PulseRecord("potentiation", "1 V, 1 µs", up, up, 4.6),
            PulseRecord("depression", "-1 V, 1 µs", down, None, None),
        ],
        **options,
    )
    figure.canvas.draw()
    return figure


def test_branches_follow_each_other_with_units_and_curves():
    figure = draw(RISE, RISE[::-1], title="a_$model")
    left, right = figure.axes
    assert figure.get_suptitle() == "a_$model"
    assert (left.get_xlabel(), left.get_ylabel()) == ("pulse", "conductance (µS)")
    assert right.get_ylabel() == "size of the step (µS)"
    points, curve, later = left.lines[:3]
    np.testing.assert_allclose(points.get_ydata(), RISE * 1e6)
    np.testing.assert_allclose(curve.get_ydata(), RISE * 1e6)
    assert (points.get_xdata()[-1], later.get_xdata()[0], later.get_xdata()[-1]) == (50, 50, 100)
    labels = [t.get_text() for t in left.get_legend().get_texts()]
    assert labels[:2] == [
        "potentiation, 1 V, 1 µs (NL +4.60)",
        "depression, −1 V, 1 µs (no change)",
    ]
    np.testing.assert_allclose(right.lines[1].get_ydata(), -np.diff(RISE[::-1]) * 1e6)
    assert points.get_marker() != later.get_marker()  # told apart in grey


@pytest.mark.parametrize(
    ("up", "scale"),
    [(RISE, "log"), (LINE, "linear"), (LINE + 5e-6 * (-1) ** np.arange(51), "linear")],
)
def test_steps_are_logarithmic_only_where_all_go_forwards(up, scale):
    assert draw(up, up[::-1]).axes[1].get_yscale() == scale


def test_conductance_is_logarithmic_where_it_spans_two_decades():
    wide = np.geomspace(1e-6, 1e-3, 51)
    assert draw(wide, wide[::-1]).axes[1].get_xscale() == "log"
    assert draw(RISE, RISE[::-1]).axes[1].get_xscale() == "linear"


def test_steps_of_one_size_stay_clear_of_the_frame():
    right = draw(LINE, LINE[::-1]).axes[1]
    assert right.get_ylim()[1] > 1.1 * max(line.get_ydata().max() for line in right.lines[:2])


def test_backward_steps_are_shown():
    noisy = LINE + 5e-6 * (-1) ** np.arange(51)
    right = draw(noisy, noisy[::-1]).axes[1]
    assert min(line.get_ydata().min() for line in right.lines[:2]) < 0
    assert right.get_ylim()[0] < 0


def test_the_picture_is_a_file(tmp_path):
    branch = PulseRecord("potentiation", "1 V, 1 µs", np.full(5, 1e-3))
    png = plot_pulses([branch, branch], tmp_path / "p.png")
    assert png.read_bytes().startswith(b"\x89PNG") and list(tmp_path.iterdir()) == [png]
