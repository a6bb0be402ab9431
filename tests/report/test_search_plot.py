"""The picture of a search: its trials, the best so far, and those that failed."""

import numpy as np

from ohmprop.report import draw_search, new_figure, plot_search

NAN = float("nan")


def drawn(objectives, **options):
    axes = new_figure((4, 3)).add_subplot()
    draw_search(axes, [0, 1, 2, 4, 5], objectives, label="loss (V²)", **options)
    return axes


def test_losses_fall_on_a_logarithmic_axis():
    axes = drawn([NAN, 1.0, 0.01, 3.0, NAN])
    trials, best, failed = axes.lines
    np.testing.assert_array_equal(trials.get_xdata(), [1, 2, 4])
    np.testing.assert_array_equal(best.get_ydata(), [NAN, 1.0, 0.01, 0.01, 0.01])
    np.testing.assert_array_equal(failed.get_xdata(), [0, 5])
    assert axes.get_yscale() == "log" and axes.get_ylabel() == "loss (V²)"
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "trial", "best so far", "failed",
    ]  # fmt: skip


def test_accuracies_rise():
    axes = drawn([0.5, 0.4, 0.9, 0.7, 0.8], least=False)
    trials, best = axes.lines
    np.testing.assert_array_equal(best.get_ydata(), [0.5, 0.5, 0.9, 0.9, 0.9])
    assert axes.get_yscale() == "linear" and axes.get_xlabel() == "trial"


def test_the_file_is_whole(tmp_path):
    path = plot_search([0, 1], [1.0, NAN], tmp_path / "tune.png", title="a_$b", label="loss")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["tune.png"]
