"""Plots, drawn without a display; Matplotlib is imported on use and never through pyplot."""

import csv
import os
from pathlib import Path


def plot_loss(history: str | Path, png: str | Path) -> Path:
    """Draw loss and accuracy against epoch from a run's history.csv; returns the picture's path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with Path(history).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) for row in rows]
    loss = [float(row["loss"]) for row in rows]
    accuracy = [100 * float(row["accuracy"]) for row in rows]

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.subplots()
    left.plot(epochs, loss, color="#0b4f8a", label="loss")
    if min(loss) > 0:
        left.set_yscale("log")
    left.set_xlabel("epoch")
    left.set_ylabel("loss", color="#0b4f8a")
    right = left.twinx()
    right.plot(epochs, accuracy, color="#c1501f", linewidth=1.0, label="accuracy")
    right.set_ylabel("training accuracy (%)", color="#c1501f")
    right.set_ylim(0, 102)
    left.grid(True, which="both", alpha=0.25)
    png = Path(png)
    temporary = png.with_name(f".{png.name}.{os.getpid()}.tmp")
    figure.savefig(temporary, dpi=150, format="png")
    os.replace(temporary, png)
    return png
