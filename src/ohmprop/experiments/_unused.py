"""Keys that a spec gives and its own kinds ignore."""

from collections.abc import Iterable, Iterator
from typing import Any

from ohmprop.experiments._spec import Spec

_DIODE_KEYS = {
    "piecewise_linear": {"v_th", "r_on", "sides"},
    "clamp": {"lower", "upper"},
    "shockley": {"i_s", "n", "v_bias", "sides"},
    "none": set(),
}


def keys_of(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Every key of `table` and of the tables in it, as paths such as `learning.beta`."""
    for key, value in table.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from keys_of(value, f"{prefix}{key}.")


def notes_on(spec: Spec, given: Iterable[str]) -> list[str]:
    """One line for each key in `given` that changes nothing in the run of `spec`."""
    unused = _unused(spec)
    return [f"{key} has no effect: {unused[key]}" for key in sorted(set(given) & unused.keys())]


def _unused(spec: Spec) -> dict[str, str]:
    """Every key without effect in `spec`, and why it has none."""
    learning, scheme, diode = spec.learning, spec.write.scheme, spec.network.diode
    why = {
        f"network.diode.{key}": f"network.diode.kind is {diode.kind}"
        for key in set().union(*_DIODE_KEYS.values()) - _DIODE_KEYS[diode.kind]
    }
    for key, only in (("amplitude", "pwm"), ("frequency", "pam")):
        if scheme != only:
            why[f"write.{key}"] = f"write.scheme is {scheme}"
    if scheme == "ideal":
        why["write.integration"] = "write.scheme is ideal"
    if learning.loss == "mse":
        why["learning.logit_scale"] = "learning.loss is mse"
    if learning.estimator == "exact":
        why["learning.nudge"] = "learning.estimator is exact"
        if not learning.proxy:
            why["learning.beta"] = "learning.estimator is exact, without learning.proxy"
    if spec.data.test_fraction == 0:
        why["data.split_seed"] = "data.test_fraction is 0"
    return why
