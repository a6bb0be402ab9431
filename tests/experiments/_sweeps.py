"""A small sweep: Iris, two hidden units, three models."""

from ohmprop.experiments._sweep import Sweep, load_sweep

BASE = {
    "name": "small",
    "data": {"dataset": "iris", "rows": 105, "test_fraction": 0.2},
    "network": {"hidden": [2]},
    "learning": {
        "estimator": "positive",
        "proxy": True,
        "optimiser": "ebana_adam",
        "rates": 9e-9,
        "epochs": 4,
    },
    "write": {"integration": "euler"},
}
AXES = {
    "device.r_off": ["1 kOhm", "100 kOhm"],
    "model": {
        "zip": {
            "device.model": ["biolek", "linear", "vteam"],
            "learning.rates": [9e-9, 3e-5, 6e-10],
            "write.scheme": ["pwm", "pam", "pwm"],
        },
    },
    "seed": {"count": 3},
}


def sweep_of(axes: dict, **sections) -> Sweep:
    return load_sweep(BASE | sections | {"sweep": axes})
