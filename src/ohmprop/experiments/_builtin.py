"""Built-in specs, generated from a table of the seed's rates and frequencies.

`ebana-*`: as the seed's code ran; `seed-*`: as its paper says (all rows, one 0.5 V bias in the
input layer, uniform initial memristance). Sizes and ranges without a file of their own take the
rates and frequencies of the file for the same model, dataset and modulation.
"""

from itertools import product
from typing import Any

from ohmprop._core import BadInput, nearest

HIDDEN = {"iris": (10, 5, 2), "breast_cancer": (16, 10, 5)}
_ROWS = {"iris": 105, "breast_cancer": 398}
RANGES = {"r500": 500.0, "r1k": 1e3, "r10k": 1e4, "r100k": 1e5}
SCHEMES = ("pwm", "pam")
# model: dt_scaling for iris (pwm, pam), breast cancer (pwm, pam); PAM frequency in Hz
_TABLE: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "linear": ((1.0, 1.0), (1.0, 1.0), 15.0),
    "linear_ion_drift": ((1.5e-5, 1.5e-5), (1.5e-5, 1.5e-5), 77.5e3),
    "joglekar": ((4e-4, 4e-4), (6e-4, 6e-4), 55e3),
    "biolek": ((3e-4, 3e-4), (5e-4, 5e-4), 200e3),
    "vteam": ((2e-5, 1.1e-5), (2.5e-5, 1.5e-5), 5e9),
    "yakopcic": ((4.5e-2, 1.17e-1), (1e-1, 1.6e-1), 300e3),
    "mms": ((1.5, 160.0), (2.2, 157.5), 200.0),
}
MODELS = tuple(_TABLE)
_G_MAX, _SPAN = 1e-2, 7.9e-4


def _lr(model: str, scheme: str) -> float:
    return 2e-5 if (model, scheme) == ("yakopcic", "pam") else 3e-5


def _epochs(dataset: str, model: str, scheme: str) -> int:
    return 55 if (dataset, model, scheme) == ("breast_cancer", "mms", "pam") else 50


def builtin_names(*, variants: bool = True) -> list[str]:
    """All built-in names; without `variants` only the paper's default size and range."""
    names = []
    for reading, dataset in product(("ebana", "seed"), HIDDEN):
        cells = [(None, None)]
        if variants:
            cells += list(product(HIDDEN[dataset], RANGES))
        for (size, span), model, scheme in product(cells, _TABLE, SCHEMES):
            middle = f"-h{size}-{span}" if size else ""
            names.append(f"{reading}-{dataset}{middle}-{model}-{scheme}")
    return names


def builtin(name: str) -> dict[str, Any]:
    """The spec called `name` as a plain dict; raises BadInput with the nearest name."""
    if name not in builtin_names():
        short = builtin_names(variants=False)
        hint = nearest(name, builtin_names()).split(" Known:")[0]
        raise BadInput(
            f"neither a file nor a built-in spec is called {name!r}.{hint} "
            f"`ohmprop specs` lists them; there are {len(short)} and their variants."
        )
    reading, dataset, *middle, model, scheme = name.split("-")
    hidden = int(middle[0][1:]) if middle else HIDDEN[dataset][0]
    r_off = RANGES[middle[1]] if middle else 1e5
    return _build(name, reading, dataset, hidden, r_off, model, scheme)


def _build(
    name: str, reading: str, dataset: str, hidden: int, r_off: float, model: str, scheme: str
) -> dict[str, Any]:
    iris, cancer, frequency = _TABLE[model]
    scaling = (iris if dataset == "iris" else cancer)[SCHEMES.index(scheme)]
    g_min = 1 / r_off
    g_high = 8e-4 if r_off == 1e5 else min(g_min + _SPAN, _G_MAX)
    as_code = reading == "ebana"
    data: dict[str, Any] = {"dataset": dataset}
    if as_code:
        data["rows"] = _ROWS[dataset]
    write: dict[str, Any] = {"scheme": scheme, "integration": "euler"}
    write |= {"amplitude": 1.0} if scheme == "pwm" else {"frequency": frequency}
    initial = {"distribution": "conductance", "low": g_min, "high": g_high, "seed": 111}
    if not as_code:
        initial = {
            "distribution": "memristance",
            "low": 100.0,
            "high": r_off,
            "seed": 111,
        }
    return {
        "name": name,
        "data": data,
        "network": {
            "hidden": [hidden],
            "bias": None if as_code else [[0.5], []],  # None: as the code, for any depth
            "diode": {"kind": "piecewise_linear", "v_th": 0.3, "r_on": 1.0},
            "amplifier": {"gain": 4.0, "shift": 0.0},
        },
        "device": {"model": model, "params": "seed", "r_on": 100.0, "r_off": r_off},
        "initial": initial,
        "learning": {
            "estimator": "positive",
            "proxy": True,
            "beta": 1e-6,
            "optimiser": {"name": "ebana_adam", "decay": 0.5},
            "rates": scaling * _lr(model, scheme),
            "epochs": _epochs(dataset, model, scheme),
        },
        "write": write,
    }
