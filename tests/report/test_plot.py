"""The loss plot: its labels, and ticks one can read."""

import pytest

from ohmprop.report import draw_loss, plot_loss


def axes_of(loss: list[float], **options):
    epochs = list(range(1, len(loss) + 1))
    figure = draw_loss(epochs, loss, [0.5] * len(loss), **options)
    figure.canvas.draw()
    return figure.axes[0]


def test_title_and_unit():
    axes = axes_of([0.2, 0.1], title="a_$run", unit="V²")
    assert (axes.get_title(), axes.get_ylabel()) == ("a_$run", "loss (V²)")
    assert axes.get_xlabel() == "epoch"
    assert axes_of([0.2, 0.1]).get_ylabel() == "loss"


@pytest.mark.parametrize(
    ("loss", "scale"),
    [
        ([0.18, 0.1, 0.03], "log"),
        ([0.2, 0.01, 0.002], "log"),
        ([0.2, 1e-3, 1e-6], "log"),
        ([0.2, 0.15, 0.1], "linear"),
        ([0.2, 0.1, -0.1], "linear"),
        ([0.2, 0.1, 0.0], "linear"),
        ([0.3], "linear"),
    ],
)
def test_ticks_are_several_and_in_plain_figures(loss, scale):
    axes = axes_of(loss)
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    labels = [t.get_text() for t in axes.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert 4 <= len(labels) <= 11
    assert not any("$" in label for label in labels)
    if scale == "log":
        assert all(label == f"{float(label):g}" for label in labels)


def test_the_picture_is_written(tmp_path):
    history = tmp_path / "history.csv"
    history.write_text("epoch,loss,accuracy\n1,0.2,0.5\n2,0.1,0.75\n", encoding="utf-8")
    assert plot_loss(history, tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert {p.name for p in tmp_path.iterdir()} == {"history.csv", "loss.png"}
