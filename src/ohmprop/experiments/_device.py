"""A device by name, set or file and a few changes: what the commands on single devices share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.devices import AbstractMemristor
from ohmprop.experiments._load import complaint, parse, read_device
from ohmprop.experiments._spec import DeviceSpec


def load_device(
    model: str, params: str | None = None, changes: Sequence[str] = ()
) -> AbstractMemristor:
    """The device of a model under a parameter set or device file, with some parameters changed.

    Args:
        model: one of `devices.MODELS`.
        params: a parameter set, the model's first where None, or the path of a device file (a
            YAML table with the keys of a spec's `device` section).
        changes: texts "name=value"; a value may carry a unit ("r_on=1 kOhm"), else it is in SI.

    Returns:
        The device, its parameters float array leaves.

    Raises:
        BadInput: unknown model, set, file, name or unit, or a value that cannot be.

    Example:
        >>> float(load_device("biolek", "published", ["r_off=10 kOhm"]).r_off)
        10000.0
    """
    section: dict[str, Any] = {"model": model, "params": params}
    if params is not None and _is_path(params):
        section = {"model": model} | read_device(Path(params).expanduser())
        if section["model"] != model:
            raise BadInput(
                f"{params}: expected a device of model {model!r}, found one of model "
                f"{section['model']!r}; name that model or another file"
            )
    given = dict(_assignment(change) for change in changes)
    if given:
        section["overrides"] = (section.get("overrides") or {}) | given
    try:
        return make_device(DeviceSpec.model_validate(section))
    except ValidationError as error:
        raise complaint(error, DeviceSpec) from None


def read_changes(model: str, params: str | None, changes: Sequence[str]) -> dict[str, Any]:
    """Texts "name=value", units allowed, as parameters of a model in SI units and options.

    Raises BadInput: unknown model, set, name or unit.
    """
    overrides = dict(_assignment(change) for change in changes)
    section = {"model": model, "params": params, "overrides": overrides}
    try:
        return DeviceSpec.model_validate(section).overrides
    except ValidationError as error:
        raise complaint(error, DeviceSpec) from None


def make_device(spec: DeviceSpec) -> AbstractMemristor:
    """The device that a spec's `device` section describes; raises BadInput where it cannot be."""
    given = {"r_on": spec.r_on, "r_off": spec.r_off}
    changed: dict[str, Any] = {k: v for k, v in given.items() if v is not None} | spec.overrides
    return devices.make(spec.model, spec.params, **changed)


def _is_path(params: str) -> bool:
    path = Path(params)
    return path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1


def _assignment(change: str) -> tuple[str, Any]:
    name, equals, text = change.partition("=")
    if not equals or not name.strip():
        raise BadInput(f"{change}: expected name=value, such as r_on=1 kOhm")
    return name.strip(), parse(text, change)
