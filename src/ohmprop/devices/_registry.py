"""Devices by name: the table of models and the functions that look them up."""

from dataclasses import fields
from typing import Any

import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from .._core import BadInput, nearest
from ._base import AbstractMemristor, Parameter
from ._biolek import Biolek
from ._gmss import GMSS
from ._interface import Interface
from ._jart import JART
from ._joglekar import Joglekar
from ._linear import Linear
from ._linear_ion_drift import LinearIonDrift
from ._mms import MMS
from ._prodromakis import Prodromakis
from ._stanford_pku import StanfordPKU
from ._steps import ConstantStep, ExpStep, LinearStep, PiecewiseStep, PowStep, SoftBounds
from ._team import TEAM
from ._vteam import VTEAM
from ._yakopcic import Yakopcic
from ._yakopcic2020 import Yakopcic2020
from ._zha import Zha

MODELS: dict[str, type[AbstractMemristor]] = {
    "linear": Linear,
    "linear_ion_drift": LinearIonDrift,
    "joglekar": Joglekar,
    "biolek": Biolek,
    "prodromakis": Prodromakis,
    "zha": Zha,
    "vteam": VTEAM,
    "team": TEAM,
    "yakopcic": Yakopcic,
    "yakopcic2020": Yakopcic2020,
    "mms": MMS,
    "gmss": GMSS,
    "stanford_pku": StanfordPKU,
    "jart": JART,
    "interface": Interface,
    "constant_step": ConstantStep,
    "linear_step": LinearStep,
    "soft_bounds": SoftBounds,
    "exp_step": ExpStep,
    "pow_step": PowStep,
    "piecewise_step": PiecewiseStep,
}


def make(model: str, params: str | None = None, **overrides: ArrayLike | str) -> AbstractMemristor:
    """A device of the named model.

    Args:
        model: one of `MODELS`.
        params: a parameter set, the model's first where none is named: "seed" (what the seed
            paper's code ran, errors included), "published" (the literature's values, physical
            windows), or what else `MODELS[model].PARAMETERS` holds.
        overrides: parameters or structural options (`window`) to replace, in SI units; arrays
            give one value a device. Every model but "jart" accepts `r_on` and `r_off`.

    Returns:
        The device, its parameters float array leaves.

    Raises:
        BadInput: unknown model, set or override, or a value that cannot be.

    Example:
        >>> device = make("biolek", "published", r_off=10e3)
        >>> float(device.r_off)
        10000.0
    """
    params = default_set(model) if params is None else params
    values: dict[str, Any] = {k: p.value for k, p in parameter_set(model, params).items()}
    values |= MODELS[model].OPTIONS.get(params, {})
    for name, value in overrides.items():
        if name not in values:
            derived = name in ("r_on", "r_off")
            hint = f" It follows from {', '.join(values)}." if derived else nearest(name, values)
            raise BadInput(f"{model}: no parameter {name!r}.{hint}")
        _check_value(model, params, name, value)
        values[name] = value
    for small, large in MODELS[model].ORDERED:
        _check_order(model, small, values[small], large, values[large])
    return MODELS[model](**values)


def default_set(model: str) -> str:
    """Name of the parameter set that `make` takes unless told otherwise: the model's first."""
    if model not in MODELS:
        raise BadInput(f"Unknown device model {model!r}.{nearest(model, MODELS)}")
    return next(iter(MODELS[model].PARAMETERS))


def parameter_set(model: str, set: str | None = None) -> dict[str, Parameter]:
    """A model's named parameter set, its first where none is named: name to value, unit, source.

    Raises:
        BadInput: unknown model or set.

    Example:
        >>> parameter_set("joglekar", "published")["mu_v"].value
        1e-14
    """
    set = default_set(model) if set is None else set
    sets = MODELS[model].PARAMETERS
    if set not in sets:
        raise BadInput(f"{model}: unknown parameter set {set!r}.{nearest(set, sets)}")
    return dict(sets[set])


def _check_value(model: str, params: str, name: str, value: Any) -> None:
    """Refuse what the model's field does not allow; a traced value passes unseen."""
    allowed = next(f for f in fields(MODELS[model]) if f.name == name).metadata.get("allowed")
    if allowed is None:  # a structural option
        if not isinstance(value, str):
            raise BadInput(f"{model}: expected a name for {name}, found {value!r}.")
        return
    if isinstance(value, Tracer):
        return
    default = parameter_set(model, params)[name]
    number = _as_number(value)
    if number is None or not allowed.holds(number):
        raise BadInput(
            f"{model}: expected {allowed} for {name}, in {default.unit}, found {value!r}. "
            f"The {params!r} set has {default.value:g}."
        )


def _check_order(model: str, small: str, low: Any, large: str, high: Any) -> None:
    """Refuse `low` where it is not the smaller; traced values pass unseen."""
    if isinstance(low, Tracer) or isinstance(high, Tracer):
        return
    if not np.all(np.asarray(low) < np.asarray(high)):
        raise BadInput(
            f"{model}: expected {small} < {large}, found {small}={low}, {large}={high}. "
            f"Raise {large} or lower {small}."
        )


def _as_number(value: Any) -> np.ndarray | None:
    """Real numbers as a float64 array; None for text, truth values and whatever else."""
    if isinstance(value, str) or value is None:
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        return None
    return array.astype(float) if array.dtype.kind in "iuf" and array.size else None
