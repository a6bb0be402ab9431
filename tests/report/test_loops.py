"""Pictures of loops: units, labels, styles that differ in grey, arrows along the loop."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from ohmprop.report import STYLES, LoopRecord, draw_loops, in_units, plot_loops, scaled


def record(frequency=1.0, current=1e-3, cycles=2) -> LoopRecord:
    t = np.linspace(0, cycles / frequency, 200 * cycles + 1)
    phase = 2 * np.pi * frequency * t
    g = current * (1 - 0.3 * np.cos(phase))
    flux = (1 - np.cos(phase)) / (2 * np.pi * frequency)
    return LoopRecord(frequency, t, np.sin(phase), g * np.sin(phase), g / current / 2, g * t, flux)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (160e3, "160 kHz"),
        (77.5e3, "77.5 kHz"),
        (1.0, "1 Hz"),
        (999.96, "1000 Hz"),
        (1e3, "1 kHz"),
        (0.4034863, "403.5 mHz"),
        (5e9, "5 GHz"),
        (0.0, "0 Hz"),
        (1e13, "1e+04 GHz"),
    ],
)
def test_units_with_prefixes(value, text):
    assert in_units(value, "Hz") == text


def test_scaled_takes_one_prefix_for_all():
    values, unit = scaled([np.array([1e-7, -2e-4]), np.array([3e-6])], "A")
    assert unit == "µA"
    assert values[0] == pytest.approx([0.1, -200])
    assert scaled([np.zeros(2)], "A")[1] == "A"


def test_styles_differ_in_grey_and_in_dashes():
    lightness = [np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]) for colour, _ in STYLES[:4]]
    assert np.diff(np.sort(lightness)).min() > 0.02
    assert len({str(dashes) for _, dashes in STYLES}) == len(STYLES)


def test_labels_of_one_loop():
    figure = draw_loops([record()], title="a_$model")
    figure.canvas.draw()
    iv, voltage, state, charge = figure.axes
    assert (iv.get_xlabel(), iv.get_ylabel()) == ("voltage (V)", "current (mA)")
    assert voltage.get_xlabel() == state.get_xlabel() == "time (periods)"
    assert (charge.get_xlabel(), charge.get_ylabel()) == ("flux (mV s)", "charge (mC)")
    assert figure.get_suptitle() == "a_$model"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1 Hz"]


def test_several_frequencies_share_the_axes():
    figure = draw_loops([record(1e3), record(1e6, 2e-3)])
    figure.canvas.draw()
    charge = figure.axes[3]
    assert charge.get_xlabel() == "flux × frequency (mV)"
    ends = [line.get_xdata().max() for line in charge.lines]
    assert ends[0] == pytest.approx(ends[1])
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["1 kHz", "1 MHz"]


def test_arrows_follow_the_loop():
    figure = draw_loops([record()])
    arrows = figure.axes[0].texts
    assert len(arrows) == 4
    first = arrows[0]  # on the way up from the origin, below the way down
    assert first.xy[0] > first.xyann[0] > 0


def test_a_first_cycle_far_beyond_the_last_does_not_hide_it():
    one = record(current=2e-5)
    first = one.t < 0.5
    figure = draw_loops([one._replace(i=np.where(first, 500 * one.i, one.i))])
    figure.canvas.draw()
    iv = figure.axes[0]
    assert iv.get_ylabel() == "current (µA)"
    assert max(map(abs, iv.get_ylim())) < 40  # µA, the last cycle's with a margin
    plain = draw_loops([one._replace(i=np.where(first, 2 * one.i, one.i))]).axes[0]
    assert plain.get_ylim()[1] > 40  # a little more is shown


def test_a_picture_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "loop.png"
    assert plot_loops([record()], path).read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["loop.png"]

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", interrupted)
    with pytest.raises(KeyboardInterrupt):
        plot_loops([record()], tmp_path / "other.png")
    assert [p.name for p in tmp_path.iterdir()] == ["loop.png"]
