"""Rows of the table, and interleaved timing: what shares a round shares the machine's load."""

import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the table; `ratio` None has no bar, `missing` marks what could not be run."""

    name: str
    value: str
    ratio: float | None = None
    bar: float | None = None
    missing: bool = False


def quantile(values: list[float], q: float) -> float:
    """Quantile of `values` by the nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(q * len(ranked)))]


def interleaved(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Wall seconds of every job in each of `rounds` rounds, after one round of warming up."""
    for job in jobs.values():
        job()
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def affordable(job: Callable[[], object], rounds: int, budget: float, least: int = 3) -> int:
    """As many of `rounds` as take `budget` seconds of `job`, at least `least`."""
    seconds = interleaved({"job": job}, 1)["job"][0]
    return max(min(rounds, int(budget / seconds)), min(rounds, least))
