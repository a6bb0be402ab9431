"""The command reproduce: the seed paper's figures and claims, and what lies beyond, in one page."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer


def reproduce(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")],
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Of what goes beyond the paper only Iris, few seeds."),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue what is in DIR.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is in a non-empty DIR.")
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Threads that train side by side.")
    ] = 2,
) -> None:
    """Recompute the seed paper's figures, judge its claims, go beyond them: DIR/report.html."""
    from rich.console import Console

    from ohmprop.cli._cache import prepare_jax

    prepare_jax()
    from ohmprop.paper import reproduce as run

    console = Console(highlight=False)
    with _Monitor(console) as monitor:
        claims = run(
            out,
            quick=quick,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            progress=monitor.update,
        )
    verdicts = [claim.verdict for claim in claims]
    shown = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts))
    console.print(f"{len(claims)} statements judged: {shown}", soft_wrap=True, markup=False)
    console.print(f"report: {out / 'report.html'}", soft_wrap=True, markup=False)


class _Monitor:
    """Context manager showing the stage, the cells done in it, and the time since the start."""

    def __init__(self, console: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console, self._last, self._part = console, 0.0, 0.0
        self._seen: set[int] = set()
        self._bar = Progress(
            TextColumn("{task.fields[stage]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task("", total=1.0, stage="")

    def __enter__(self) -> "_Monitor":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def update(self, stage: Any) -> None:
        """Show how far the reproduction is."""
        cells = stage.state
        part = cells.done / cells.total if cells else 0.0
        note = f", {cells.done}/{cells.total} cells" if cells else ""
        self._part = max(self._part, (stage.number - 1 + part) / stage.total)  # two go on by turns
        if self._console.is_terminal:
            self._bar.update(
                self._task,
                completed=self._part,
                description=f"{stage.title}{note}",
                stage=f"{stage.number}/{stage.total}",
            )
            return
        now = time.monotonic()
        if stage.number not in self._seen or now - self._last > 5:
            sys.stdout.write(f"stage {stage.number}/{stage.total}  {stage.title}{note}\n")
            sys.stdout.flush()
            self._last = now
            self._seen.add(stage.number)
