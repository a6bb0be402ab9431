"""The command reproduce: the seed paper's figures and claims, and what lies beyond, in one page."""

from typing import Annotated

import typer

from ohmprop.cli._option import OutOption, OverwriteOption, ResumeOption, WorkersOption


def reproduce(
    out: OutOption,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Of what goes beyond the paper only Iris, few seeds."),
    ] = False,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    workers: WorkersOption = 2,
) -> None:
    """Recompute the seed paper's figures, judge its claims, go beyond them: DIR/report.html."""
    from rich.console import Console

    from ohmprop.cli._cache import prepare_jax
    from ohmprop.cli._live import ReproduceMonitor

    prepare_jax()
    from ohmprop.paper import reproduce as run

    console = Console(highlight=False)
    with ReproduceMonitor(console) as monitor:
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
