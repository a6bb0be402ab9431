"""Plots, drawn without a display; Matplotlib is imported on use and never through pyplot."""

import csv
import os
from pathlib import Path
from typing import Any


def plot_loss(history: str | Path, png: str | Path, *, title: str = "", unit: str = "") -> Path:
    """Draw loss and accuracy against epoch from a run's history.csv; returns the picture's path.

    `title` stands above the axes; `unit` is the loss's, empty where it has none.
    """
    with Path(history).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    figure = draw_loss(
        [int(row["epoch"]) for row in rows],
        [float(row["loss"]) for row in rows],
        [float(row["accuracy"]) for row in rows],
        title=title,
        unit=unit,
    )
    png = Path(png)
    temporary = png.with_name(f".{png.name}.{os.getpid()}.tmp")
    figure.savefig(temporary, dpi=150, format="png")
    os.replace(temporary, png)
    return png


def draw_loss(
    epochs: list[int], loss: list[float], accuracy: list[float], *, title: str = "", unit: str = ""
) -> Any:
    """The figure of `plot_loss`: loss on the left axis, accuracy (0 to 1) in per cent on the right.

    The loss's axis is logarithmic where the loss changes by a factor of 5 or more.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.subplots()
    left.plot(epochs, loss, color="#0b4f8a")
    if 0 < 5 * min(loss) <= max(loss):
        _logarithmic(left, max(loss) / min(loss))
    left.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    left.set_title(title, fontsize="medium", parse_math=False)
    left.set_xlabel("epoch")
    left.set_ylabel(f"loss ({unit})" if unit else "loss", color="#0b4f8a")
    right = left.twinx()
    right.plot(epochs, [100 * value for value in accuracy], color="#c1501f", linewidth=1.0)
    right.set_ylabel("training accuracy (%)", color="#c1501f")
    right.set_ylim(0, 102)
    left.grid(True, alpha=0.25)
    return figure


def _logarithmic(axes: Any, ratio: float) -> None:
    """A log axis that spans a factor of `ratio`, with some 4 to 10 ticks in plain figures."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    narrow, wide = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0), (1.0, 2.0, 5.0)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(
        LogLocator(subs=narrow if ratio < 30 else wide if ratio < 1e3 else (1.0,))
    )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
