"""What the figures share: line styles, units with prefixes, and a way to save whole files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# Colours that differ in lightness too, and lines that differ in dashes: legible in grey.
STYLES = (
    ("#0b2f5a", "-"),
    ("#d1601f", "--"),
    ("#3c8f5d", "-."),
    ("#8b5aa8", ":"),
    ("#7a7a7a", (0, (6, 1, 1, 1, 1, 1))),
    ("#c9a227", (0, (3, 1))),
)
_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def scaled(values: Sequence[np.ndarray], unit: str) -> tuple[list[np.ndarray], str]:
    """Arrays in a multiple of the SI unit in which the greatest is from 1 to 1000, and its name."""
    most = max((float(np.abs(v).max()) for v in values), default=0.0)
    power = _power(most)
    return [np.asarray(v) / 10.0**power for v in values], _PREFIXES[power] + unit


def in_units(value: float, unit: str) -> str:
    """`value` with an SI prefix and up to four figures: 160 kHz."""
    power = _power(abs(value))
    return f"{value / 10.0**power:.4g} {_PREFIXES[power]}{unit}"


def _power(most: float) -> int:
    if not most > 0:
        return 0
    return int(np.clip(3 * np.floor(np.log10(most * (1 + 1e-12)) / 3), -18, 9))


def new_figure(size: tuple[float, float]) -> Any:
    """An empty figure of this size in inches, drawn without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Any, png: str | Path) -> Path:
    """Write a figure as PNG, whole or not at all; returns its path."""
    png = Path(png)
    temporary = png.with_name(f".{png.name}.{os.getpid()}.tmp")
    try:
        figure.savefig(temporary, dpi=150, format="png")
        os.replace(temporary, png)
    finally:
        temporary.unlink(missing_ok=True)
    return png
