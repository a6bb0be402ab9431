"""The seed's own JSON configurations, recognised by their keys and translated.

Semantics are those of the seed's code (ebana-with-memristors @19a3505), not of its paper.
"""

import json
from typing import Any

from ohmprop._core import BadInput, nearest

_DATASETS = {"Iris": "iris", "BreastCancer": "breast_cancer"}
_MODELS = {"yacopcic": "yakopcic"}
_COMMON = {"U", "L", "g_max", "g_min", "memristor"}
_SEED = 111
_OURS = {"data", "network", "device", "initial", "learning", "write"}
_DEFAULT_BIAS = [1.0, -1.0]
_KNOWN = {
    "": "dataset model",
    "dataset": "type scale split_size output_shift output_midpoint batch_size shuffle",
    "model": "bias_p bias_n weight_initializer diode_params amp_params training load_weights_path "
    + " ".join(f"hidden_{k}_units" for k in range(1, 10)),
    "model.weight_initializer": "init_type params",
    "model.diode_params": "VTH RON",
    "model.amp_params": "shift gain",
    "model.training": "beta lr dt_scaling epochs modulation_mode V_const frequency",
}
_SHIPPED = {  # keys that are not translated, with the value that all of the seed's files have
    "dataset.shuffle": False,
    "dataset.split_size": 0,
    "dataset.output_midpoint": 0,
    "model.weight_initializer.init_type": "random_uniform",
}


def is_ebana(config: Any) -> bool:
    """Whether `config` has a section of the seed's configuration files, even if damaged."""
    if not isinstance(config, dict) or config.keys() & _OURS:
        return False
    return any(isinstance(config.get(key), dict) for key in ("dataset", "model"))


def translate(config: dict[str, Any], name: str = "ebana") -> tuple[dict[str, Any], list[str]]:
    """Return our spec as a plain dict, and the notes the user should see.

    Raises BadInput where a key the seed's code needs is missing.
    """
    try:
        return _translate(config, name)
    except KeyError as error:
        raise BadInput(f"seed configuration: key {error.args[0]!r} is missing") from None
    except (TypeError, ValueError, ZeroDivisionError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"seed configuration: wrong type of value ({error})") from None


def _refuse_unknown_keys(config: dict[str, Any]) -> None:
    for path, words in _KNOWN.items():
        section, known = config, words.split()
        for part in path.split(".") if path else ():
            section = section[part]
        for key in section:
            if key not in known:
                where = f"{path}.{key}" if path else key
                raise BadInput(f"seed configuration: {where}: unknown key.{nearest(key, known)}")


def _refuse_other_values(config: dict[str, Any]) -> None:
    for path, expected in _SHIPPED.items():
        *parents, key = path.split(".")
        section = config
        for part in parents:
            section = section[part]
        if key in section and section[key] != expected:
            raise BadInput(
                f"seed configuration: {path}: expected {json.dumps(expected)}, as in all of the "
                f"seed's own files, found {json.dumps(section[key])}; no other value is translated"
            )


def _translate(config: dict[str, Any], name: str) -> tuple[dict[str, Any], list[str]]:
    _refuse_unknown_keys(config)
    _refuse_other_values(config)
    dataset, model = config["dataset"], config["model"]
    device, training = model["weight_initializer"]["params"], model["training"]
    kind = device["memristor"]
    notes = []
    weights = model.get("load_weights_path")
    if weights:
        notes.append(
            f"load_weights_path {weights!r} is not read (it is a pickle); the same values are "
            f"drawn: RandomState({_SEED}), uniform in [{device['L']:g}, {device['U']:g}] S"
        )
    bias = [float(model["bias_p"]), float(model["bias_n"])]
    spec = {
        "name": name,
        "data": {
            "dataset": _DATASETS.get(dataset["type"], str(dataset["type"]).lower()),
            "rows": dataset["batch_size"],
            "scale": dataset["scale"],
            "target_shift": dataset["output_shift"],
        },
        "network": {
            "hidden": _hidden(model),
            "bias": None if bias == _DEFAULT_BIAS else [bias] * (len(_hidden(model)) + 1),
            "diode": {
                "kind": "piecewise_linear",
                "v_th": model["diode_params"]["VTH"],
                "r_on": model["diode_params"]["RON"],
            },
            "amplifier": {
                "gain": model["amp_params"]["gain"],
                "shift": model["amp_params"]["shift"],
            },
        },
        "device": {
            "model": _MODELS.get(kind, kind),
            "params": "seed",
            "r_on": _inverse(device["g_max"]),
            "r_off": _inverse(device["g_min"]),
            "overrides": _overrides(kind, device),
        },
        "initial": {
            "distribution": "conductance",
            "low": device["L"],
            "high": device["U"],
            "seed": _SEED,
        },
        "learning": {
            "estimator": "positive",
            "proxy": True,
            "beta": training["beta"],
            "optimiser": {"name": "ebana_adam", "decay": 0.5},
            "rates": float(training["dt_scaling"]) * float(training["lr"]),
            "epochs": training["epochs"],
        },
        "write": _write(training),
    }
    return spec, notes


def _hidden(model: dict[str, Any]) -> list[int]:
    units = [model[f"hidden_{k}_units"] for k in range(1, 10) if f"hidden_{k}_units" in model]
    return units or [model["hidden_1_units"]]


def _overrides(kind: str, device: dict[str, Any]) -> dict[str, float]:
    """Device constants in the file that differ from the parameter set `seed`."""
    from ohmprop import devices

    known = devices.parameter_set(_MODELS.get(kind, kind), "seed")
    changed = {}
    for key in sorted(device.keys() - _COMMON):
        ours, value = ("d" if key == "D" else key), float(device[key])
        if kind == "mms" and key in ("U_on", "U_off"):  # the code uses their inverses as volts
            ours, value = f"V_{key[2:]}", 1 / value
        if ours not in known:
            raise BadInput(f"seed configuration: the {kind} model has no parameter {key!r}")
        if value != known[ours].value:
            changed[ours] = value
    return changed


def _inverse(siemens: Any) -> float:
    """Resistance in ohms, freed of the last digits' noise (1/1e-5 is 99999.99999999999)."""
    return float(f"{1 / float(siemens):.12g}")


def _write(training: dict[str, Any]) -> dict[str, Any]:
    mode = training["modulation_mode"]
    if mode == "PWM":
        return {"scheme": "pwm", "amplitude": training["V_const"], "integration": "euler"}
    if mode == "PAM":
        return {"scheme": "pam", "frequency": training["frequency"], "integration": "euler"}
    raise BadInput(f"seed configuration: modulation_mode: expected PWM or PAM, found {mode!r}")
