"""A search's figure: what its trials gave, the best so far, and those that failed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ohmprop.report._figure import STYLES, new_figure, save_figure


def plot_search(
    numbers: Sequence[int],
    objectives: Sequence[float],
    png: str | Path,
    *,
    title: str,
    label: str,
    least: bool = True,
) -> Path:
    """Draw a search into the file `png`; see `draw_search`. Returns its path."""
    figure = new_figure((6.4, 4.0))
    draw_search(figure.add_subplot(), numbers, objectives, label=label, least=least)
    figure.suptitle(title, fontsize="medium", parse_math=False)
    return save_figure(figure, png)


def draw_search(
    axes: Any,
    numbers: Sequence[int],
    objectives: Sequence[float],
    *,
    label: str,
    least: bool = True,
) -> None:
    """Draw the objectives of trials over their numbers, NaN for one that failed, into `axes`.

    `label` names the objective, `least` tells whether small is good. Positive objectives of more
    than a decade have a logarithmic axis.
    """
    values = np.asarray(objectives, float)
    number = np.asarray(numbers)
    good = np.isfinite(values)
    best = (np.fmin if least else np.fmax).accumulate(values)
    axes.plot(number[good], values[good], "o", ms=4, mfc="none", color=STYLES[4][0], label="trial")
    axes.step(number, best, where="post", color=STYLES[0][0], label="best so far")
    if not good.all():
        axes.plot(
            number[~good],
            np.full((~good).sum(), 0.03),
            "x",
            ms=5,
            color=STYLES[1][0],
            transform=axes.get_xaxis_transform(),
            label="failed",
        )
    if good.any() and 0 < 10 * values[good].min() < values[good].max():
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="trial", ylabel=label)
    axes.margins(y=0.1)  # room for the crosses
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
