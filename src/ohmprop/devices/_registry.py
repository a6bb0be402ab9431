"""Devices by name: the table of models and the functions that look them up."""

import math
from typing import Any

from jax.typing import ArrayLike

from .._core import BadInput, nearest
from ._base import AbstractMemristor, Parameter
from ._biolek import Biolek
from ._joglekar import Joglekar
from ._linear import Linear
from ._linear_ion_drift import LinearIonDrift
from ._mms import MMS
from ._vteam import VTEAM
from ._yakopcic import Yakopcic

MODELS: dict[str, type[AbstractMemristor]] = {
    "linear": Linear,
    "linear_ion_drift": LinearIonDrift,
    "joglekar": Joglekar,
    "biolek": Biolek,
    "vteam": VTEAM,
    "yakopcic": Yakopcic,
    "mms": MMS,
}


def make(model: str, params: str = "seed", **overrides: ArrayLike | str) -> AbstractMemristor:
    """A device of the named model.

    Args:
        model: one of `MODELS`.
        params: a parameter set: "seed" (what the seed paper's code ran, errors included) or
            "published" (the literature's values, physical windows).
        overrides: parameters or structural options (`window`) to replace, in SI units; arrays
            give one value a device. Every model accepts `r_on` and `r_off`.

    Returns:
        The device, its parameters float array leaves.

    Raises:
        BadInput: unknown model, set or override, or a value that cannot be.

    Example:
        >>> device = make("biolek", "published", r_off=10e3)
        >>> float(device.r_off)
        10000.0
    """
    values: dict[str, Any] = {k: p.value for k, p in parameter_set(model, params).items()}
    values |= MODELS[model].OPTIONS.get(params, {})
    for name, value in overrides.items():
        if name not in values:
            raise BadInput(f"{model}: no parameter {name!r}.{nearest(name, values)}")
        _check(model, name, value, text=isinstance(values[name], str))
        values[name] = value
    r_on, r_off = values["r_on"], values["r_off"]
    if isinstance(r_on, int | float) and isinstance(r_off, int | float) and not 0 < r_on < r_off:
        raise BadInput(
            f"{model}: expected 0 < r_on < r_off, found r_on={r_on:g} ohm, r_off={r_off:g} ohm. "
            "Raise r_off or lower r_on."
        )
    return MODELS[model](**values)


def parameter_set(model: str, set: str = "seed") -> dict[str, Parameter]:
    """A model's named parameter set: parameter name to value, SI unit and source.

    Raises:
        BadInput: unknown model or set.

    Example:
        >>> parameter_set("joglekar", "published")["mu_v"].value
        1e-14
    """
    if model not in MODELS:
        raise BadInput(f"Unknown device model {model!r}.{nearest(model, MODELS)}")
    sets = MODELS[model].PARAMETERS
    if set not in sets:
        raise BadInput(f"{model}: unknown parameter set {set!r}.{nearest(set, sets)}")
    return dict(sets[set])


def _check(model: str, name: str, value: object, *, text: bool) -> None:
    """Refuse text where a number belongs, a number where text does, and NaN."""
    if isinstance(value, str) != text:
        expected = "a name" if text else "a number in SI units"
        raise BadInput(f"{model}: expected {expected} for {name}, found {value!r}.")
    if isinstance(value, float) and math.isnan(value):
        raise BadInput(f"{model}: expected a number for {name}, found NaN.")
