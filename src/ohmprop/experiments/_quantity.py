"""Values in a spec: plain numbers in SI, or text with a unit such as `10 kOhm` or `100 us`."""

import math
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from pydantic import BeforeValidator

_NUMBER = re.compile(r"^[-+]?((\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?|nan|inf)$", re.IGNORECASE)


@cache
def _registry() -> Any:
    """Pint's units; imported only here, for it is slow."""
    import pint

    return pint.UnitRegistry(cache_folder=None)


@lru_cache(maxsize=10_000)  # a sweep reads the same texts for every cell
def _convert(text: str, unit: str) -> float:
    """Let Pint read `text` and convert it to `unit`."""
    import pint

    registry = _registry()
    wanted = unit or "dimensionless"
    shown = f"a quantity in {unit}" if unit else "a number without unit"
    try:
        return float(
            registry.Quantity(text.replace("Ω", "ohm").replace("Ohm", "ohm")).to(wanted).magnitude
        )
    except pint.DimensionalityError as error:
        raise ValueError(f"expected {shown}, found {text!r}, which is in {error.units1}") from None
    except Exception:  # Pint's parser raises many kinds, tokenizer errors among them
        raise ValueError(
            f"expected a number or {shown} such as {_example(unit)!r}, found {text!r}"
            if unit
            else f"expected a number, found {text!r}"
        ) from None


def _example(unit: str) -> str:
    return {
        "ohm": "10 kOhm",
        "s": "100 us",
        "V": "300 mV",
        "S": "10 uS",
        "Hz": "200 kHz",
        "A": "1 uA",
        "V s": "10 nV s",
        "A V": "1 uA V",
        "m": "10 nm",
        "K": "300 K",
        "rad": "90 deg",
    }.get(unit, "1e-6")


def is_number(text: str) -> bool:
    """Whether `text` is a plain number, without a unit."""
    return _NUMBER.match(text.strip()) is not None


def read_quantity(value: Any, unit: str) -> float:
    """Return `value` as a finite float in `unit`; raises ValueError with what was found."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"expected a number{_in(unit)}, found {value!r}")
    if isinstance(value, str):
        text = value.strip()
        number = float(text) if is_number(text) else _convert(text, unit)
    else:
        number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number{_in(unit)}, found {value!r}")
    return number


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""


def read_bounded(
    value: Any, unit: str, *, above: float | None = None, least: float | None = None
) -> float:
    """Return `value` as a finite float in `unit` within its bounds; else raises ValueError."""
    number = read_quantity(value, unit)
    if above is not None and not number > above:
        kind = "a positive number" if above == 0 else f"a number above {above:g}"
        raise ValueError(f"expected {kind}{_in(unit)}, found {value!r}")
    if least is not None and not number >= least:
        raise ValueError(f"expected a number of at least {least:g}{_in(unit)}, found {value!r}")
    return number


def quantity(
    unit: str = "", *, above: float | None = None, least: float | None = None
) -> BeforeValidator:
    """What makes an annotated float a quantity in `unit`, optionally bounded."""
    return BeforeValidator(lambda value: read_bounded(value, unit, above=above, least=least))


def _integer(least: int, most: int | None) -> Callable[[Any], Any]:
    def read(value: Any) -> int:
        kind = "a positive whole number" if least == 1 else f"a whole number of at least {least}"
        if isinstance(value, str) and is_number(value):
            value = float(value)
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole or int(value) < least:
            raise ValueError(f"expected {kind}, found {value!r}")
        number = int(value)
        if most is not None and number > most:
            raise ValueError(f"expected {kind} and at most {most}, found {value!r}")
        return number

    return read


def whole(least: int, most: int | None = None) -> BeforeValidator:
    """What makes an annotated int a whole number from `least` to `most`; booleans are refused."""
    return BeforeValidator(_integer(least, most))
