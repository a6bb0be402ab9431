"""What a run shows while it trains: a live table and bar on a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

_ROWS = 8


class Monitor:
    """Context manager showing progress; `update(epoch, records)` after each chunk."""

    def __init__(self, console: Console, epochs: int) -> None:
        self._console, self._epochs = console, epochs
        self._bar = Progress(
            TextColumn("epoch"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("train", total=epochs)
        self._live = Live(self._bar, console=console, refresh_per_second=8, transient=False)
        self._terminal, self._shown, self._last = console.is_terminal, 0, 0.0

    def __enter__(self) -> Self:
        if self._terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal:
            self._live.stop()

    def update(self, epoch: int, records: dict[str, Any]) -> None:
        """Show the state after `epoch` epochs."""
        if self._terminal:
            self._bar.update(self._task, completed=epoch)
            self._live.update(Group(_table(records), self._bar))
            return
        now = time.monotonic()
        due = [k for k in range(self._shown, epoch) if (k + 1) % max(self._epochs // 10, 1) == 0]
        if not due and now - self._last > 10:
            due = [epoch - 1]
        for k in due if self._epochs <= 1000 else due[-1:]:
            self._console.print(
                f"epoch {k + 1}/{self._epochs}  loss {records['loss'][k]:.6g}  "
                f"accuracy {100 * records['accuracy'][k]:.1f} %",
                highlight=False,
            )
        if due:
            self._last = now
        self._shown = epoch


def _table(records: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("epoch", "loss", "accuracy", "diodes on", "clipped", "KCL residual"):
        table.add_column(title, justify="right")
    count = len(records["loss"])
    picks = np.unique(np.linspace(0, count - 1, min(_ROWS, count)).round().astype(int))
    for k in picks:
        table.add_row(
            str(k + 1),
            f"{records['loss'][k]:.6f}",
            f"{100 * records['accuracy'][k]:.1f} %",
            f"{100 * np.mean(records['diode_on_fraction'][k]):.1f} %",
            f"{100 * np.mean(records['clipped_fraction'][k]):.1f} %",
            f"{np.max(records['kcl_residual'][k]):.1e} A",
        )
    return table
