"""What long work shows: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from ohmprop.experiments import State
    from ohmprop.paper import Stage

_ROWS = 8


class _Monitor:
    """Context manager showing a bar; its `update` is called as work goes on."""

    def __init__(self, console: Console, *columns: ProgressColumn, total: float, **fields: Any):
        self._console, self._terminal = console, console.is_terminal
        self._bar = Progress(*columns, console=console)
        self._task = self._bar.add_task("", total=total, **fields)
        self._live = Live(self._bar, console=console, refresh_per_second=8, transient=False)
        self._last = 0.0  # when a plain line was written

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

    def _line(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
        self._last = time.monotonic()

    def _since_last(self) -> float:
        return time.monotonic() - self._last


class TrainMonitor(_Monitor):
    """Epochs done, and a table of losses and what else is measured."""

    def __init__(self, console: Console, epochs: int) -> None:
        columns = (
            TextColumn("epoch"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        super().__init__(console, *columns, total=epochs)
        self._epochs, self._shown = epochs, 0

    def update(self, epoch: int, records: dict[str, Any]) -> None:
        """Show the state after `epoch` epochs."""
        if self._terminal:
            self._bar.update(self._task, completed=epoch)
            self._live.update(Group(_table(records), self._bar))
            return
        due = [k for k in range(self._shown, epoch) if (k + 1) % max(self._epochs // 10, 1) == 0]
        if not due and self._since_last() > 10:
            due = [epoch - 1]
        for k in due if self._epochs <= 1000 else due[-1:]:
            self._line(
                f"epoch {k + 1}/{self._epochs}  loss {records['loss'][k]:.6g}  "
                f"accuracy {100 * records['accuracy'][k]:.1f} %"
            )
        self._shown = epoch


class SweepMonitor(_Monitor):
    """Cells done, failed, their rate and the time left."""

    def __init__(self, console: Console, cells: int) -> None:
        columns = (
            TextColumn("cells"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        super().__init__(console, *columns, total=cells, note="")

    def update(self, state: "State") -> None:
        """Show how far the sweep is."""
        rate = state.fresh / state.seconds if state.fresh else 0.0
        note = f"{rate:.3g} cells/s" if rate else "compiling"
        if rate:
            note += f", {_duration((state.total - state.done) / rate)} left"
        if state.failed:
            note += f", {state.failed} failed"
        if self._terminal:
            self._bar.update(self._task, completed=state.done, note=note)
        elif self._since_last() > 2 or state.done == state.total:
            self._line(f"cells {state.done}/{state.total}  {note}")


class ReproduceMonitor(_Monitor):
    """The stage, the cells done in it, and the time since the start."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.fields[stage]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        super().__init__(console, *columns, total=1.0, stage="")
        self._part, self._seen = 0.0, set[int]()

    def update(self, stage: "Stage") -> None:
        """Show how far the reproduction is."""
        cells = stage.state
        part = cells.done / cells.total if cells else 0.0
        title = stage.title + (f", {cells.done}/{cells.total} cells" if cells else "")
        number = f"{stage.number}/{stage.total}"
        self._part = max(self._part, (stage.number - 1 + part) / stage.total)  # two go on by turns
        if self._terminal:
            self._bar.update(self._task, completed=self._part, description=title, stage=number)
        elif stage.number not in self._seen or self._since_last() > 5:
            self._line(f"stage {number}  {title}")
            self._seen.add(stage.number)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


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
