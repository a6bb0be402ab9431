"""Options that are quantities: `10 kHz`, `1 V`, or a bare number in SI."""

from ohmprop._core import BadInput


def read_option(
    text: str, unit: str, option: str, *, above: float | None = None, least: float | None = None
) -> float:
    """The option's value in `unit`, within its bounds; BadInput names the option."""
    from ohmprop.experiments._quantity import read_bounded

    try:
        return read_bounded(text, unit, above=above, least=least)
    except ValueError as error:
        raise BadInput(f"{option}: {error}") from None
