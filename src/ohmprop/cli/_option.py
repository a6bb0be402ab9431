"""Options that several commands have, and how those that are quantities are read."""

from pathlib import Path
from typing import Annotated

import typer

from ohmprop._core import BadInput

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="See `ohmprop devices`.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the results in a non-empty DIR.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Continue what is in DIR.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Change one key of the spec; repeatable."),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", min=0, help="Seed of the run, initial values and split.")
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change one parameter; repeatable."),
]
ParametersOption = Annotated[
    str | None,
    typer.Option(metavar="SET|FILE", help="Parameter set or device.yaml; else the first set."),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=64, help="Threads that train side by side.")
]


def read_option(
    text: str, unit: str, option: str, *, above: float | None = None, least: float | None = None
) -> float:
    """The option's value in `unit`, within its bounds; BadInput names the option.

    `text` is a quantity such as `10 kHz`, or a bare number in SI.
    """
    from ohmprop.experiments._quantity import read_bounded

    try:
        return read_bounded(text, unit, above=above, least=least)
    except ValueError as error:
        raise BadInput(f"{option}: {error}") from None
