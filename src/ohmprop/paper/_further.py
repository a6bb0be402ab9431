"""What the paper leaves open: sweeps that vary one thing at a time about its runs."""

from typing import Any, NamedTuple

import numpy as np

from ..experiments import MODELS, RANGES
from ._loops import driven
from ._training import READINGS, spec_names, title

RATE_FACTORS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
MANY_SEEDS = 10
_EPOCHS = 50


class Experiment(NamedTuple):
    """A sweep of the report: the file it leaves, what it asks, and the spec with its axes."""

    name: str
    question: str
    spec: dict[str, Any]


def _sweep(name: str, axes: dict[str, Any], **sections: Any) -> dict[str, Any]:
    learning = {"epochs": _EPOCHS} | sections.pop("learning", {})
    return {"name": name, "learning": learning, **sections, "sweep": axes}


def _iris(ranges: tuple[str, ...] = tuple(RANGES), models: tuple[str, ...] = MODELS) -> list[str]:
    """Iris as the paper states it, ten hidden neurons, pulse width modulation."""
    return spec_names(
        "seed",
        modulations=["pwm"],
        datasets=["iris"],
        sizes=["large"],
        ranges=ranges,
        models=models,
    )


def cells(reading: str, **scope: Any) -> Experiment:
    """The 336 runs of Figures 10 and 11 in one reading of the paper, or those in `scope`."""
    return Experiment(
        "as_run" if reading == "ebana" else "as_stated",
        f"figures 10 and 11 {READINGS[reading]}",
        _sweep(f"cells-{reading}", {"spec": spec_names(reading, **scope)}),
    )


HELD_OUT = {"test_fraction": 0.2}


def rates(names: list[str], quick: bool) -> Experiment:
    """(a), first step: which rate is best for each cell."""
    axes = {
        "spec": names,
        "factor": {
            "key": "learning.rates",
            "times": list(RATE_FACTORS[1:6:2] if quick else RATE_FACTORS),
        },
        "seed": {"count": 1 if quick else 2, "first": 1000},
    }
    return Experiment(
        "rates", "How does the least loss depend on the rate?", _sweep("rates", axes, data=HELD_OUT)
    )


def tuned(names: list[str], factors: list[float], quick: bool) -> Experiment:
    """(a), second step: each cell at its own best rate, over other seeds."""
    table = dict(zip(names, factors, strict=True))
    from ..experiments import load_spec

    found = [load_spec(name).spec.learning.rates for name in names]
    best = [float(np.asarray(rate)) * table[name] for rate, name in zip(found, names, strict=True)]
    axes = {
        "run": {"zip": {"spec": names, "learning.rates": best}},
        "seed": {"count": 3 if quick else MANY_SEEDS},
    }
    return Experiment(
        "tuned",
        "What does each cell reach at its own best rate?",
        _sweep("tuned", axes, data=HELD_OUT),
    )


_START = {"distribution": "conductance", "low": "5 mS", "high": "5.79 mS"}


def confound(quick: bool) -> list[Experiment]:
    """(b): the ratio at a fixed initial conductance, and the conductance at a fixed ratio."""
    common = {
        "factor": {"key": "learning.rates", "times": [1.0, 10.0, 100.0]},
        "seed": {"count": 2 if quick else 5},
    }
    epochs = {"epochs": 200 if quick else 1000}
    name = spec_names(
        "seed",
        modulations=["pwm"],
        datasets=["iris"],
        sizes=["large"],
        ranges=["r100k"],
        models=["linear"],
    )[0]
    ranges = [200.0, 300.0, 500.0, 700.0, 1e3, 2e3, 5e3, 1e4, 1e5]
    ons = [10.0, 30.0, 100.0, 300.0, 1e3, 1e4]
    offs = [10 * on for on in ons]
    fixed = {"spec": [name], "r_off": {"key": "device.r_off", "values": ranges}}
    moving = {
        "spec": [name],
        "r_off": {"zip": {"device.r_off": ranges, "initial.high": ranges}},
    }
    shifted = {
        "spec": [name],
        "r_on": {
            "zip": {
                "device.r_on": ons,
                "device.r_off": offs,
                "initial.low": ons,
                "initial.high": offs,
            }
        },
    }
    wide = {"factor": {"key": "learning.rates", "times": [0.01, 0.1, 1.0, 10.0, 100.0]}}
    return [
        Experiment(
            "ratio_fixed_start",
            "Does the ratio matter where every network starts from the same conductances?",
            _sweep("ratio_fixed_start", fixed | common, initial=_START, learning=epochs),
        ),
        Experiment(
            "ratio_moving_start",
            "And where the start spreads over the range, as in the paper?",
            _sweep("ratio_moving_start", moving | common, learning=epochs),
        ),
        Experiment(
            "shifted_range",
            "Does the place of the range matter at a ratio of ten?",
            _sweep("shifted_range", shifted | common | wide, learning=epochs),
        ),
    ]


def epochs(quick: bool) -> list[Experiment]:
    """(c): the paper's runs at 500 ohm and above, continued."""
    found = []
    for dataset, size, many in (("iris", "large", 5000), ("breast_cancer", "large", 1000)):
        if quick and dataset != "iris":
            continue
        names = spec_names("seed", modulations=["pwm"], datasets=[dataset], sizes=[size])
        axes = {
            "spec": names,
            "factor": {"key": "learning.rates", "times": [1.0, 10.0]},
        }
        found.append(
            Experiment(
                f"epochs_{dataset}",
                "Does a run that 'fails to converge' only need more epochs?",
                _sweep(f"epochs_{dataset}", axes, learning={"epochs": 200 if quick else many}),
            )
        )
    return found


def diodes(quick: bool) -> Experiment:
    """(d): thresholds at which the diodes conduct."""
    axes = {
        "spec": _iris(),
        "v_th": {"key": "network.diode.v_th", "values": [0.3, 0.1, 0.03, 0.01]},
        "factor": {"key": "learning.rates", "times": [1.0, 10.0]},
        "seed": {"count": 1 if quick else 3},
    }
    return Experiment("diodes", "What do diodes that conduct change?", _sweep("diodes", axes))


ESTIMATOR_LABELS = ("the paper's", "positive", "centred", "exact")


def estimators(quick: bool) -> Experiment:
    """(f): the paper's update signal, the gradient by two nudges, and the exact gradient."""
    kinds = [("positive", True), ("positive", False), ("centred", False), ("exact", False)]
    chosen = (0, 3) if quick else range(4)
    axes = {
        "spec": _iris(models=MODELS[:1] if quick else MODELS),
        "estimator": {
            "zip": {
                "learning.estimator": [kinds[k][0] for k in chosen],
                "learning.proxy": [kinds[k][1] for k in chosen],
            },
            "labels": [ESTIMATOR_LABELS[k] for k in chosen],
        },
        "beta": {"key": "learning.beta", "values": [1e-6] if quick else [1e-6, 1e-4, 1e-3]},
        "factor": {"key": "learning.rates", "times": [1.0, 10.0]},
        "seed": {"count": 1 if quick else 3},
    }
    return Experiment("estimators", "Does a better gradient help?", _sweep("estimators", axes))


def equations(quick: bool) -> Experiment:
    """(g): pulses integrated exactly, and windows as published, against the seed's."""
    names, integration, overrides, labels = [], [], [], []
    for model in ("linear", "biolek", "vteam") if quick else MODELS:
        variants: list[tuple[str, dict[str, str]]] = [("euler", {}), ("exact", {})]
        if model in ("vteam", "yakopcic"):
            variants.append(("exact", {"window": "published"}))
        for how, override in variants:
            for span in RANGES:
                names += _iris((span,), (model,))
                integration.append(how)
                overrides.append(override)
                window = ", published window" if override else ""
                labels.append(f"{title(model)}, {how}{window}, {span}")
    axes = {
        "variant": {
            "zip": {
                "spec": names,
                "write.integration": integration,
                "device.overrides": overrides,
            },
            "labels": labels,
        },
        "factor": {
            "key": "learning.rates",
            "times": [1.0, 10.0] if quick else [0.1, 1.0, 10.0, 100.0],
        },
        "seed": {"count": 1 if quick else 3},
    }
    return Experiment(
        "equations",
        "Do the corrected device equations change what is learnt?",
        _sweep("equations", axes),
    )


def optimisers(quick: bool) -> list[Experiment]:
    """How far a rate may be off, with the paper's Adam and with plain gradient descent."""
    name = _iris(("r10k",), ("linear",))
    seeds = {"seed": {"count": 1 if quick else 3}}
    points = 13 if quick else 25
    axes = {
        "spec": name,
        "rates": {"key": "learning.rates", "log": [1e-8, 1e-2], "points": points},
    }
    # Plain descent takes the gradient itself, far greater than Adam's steps of about 1.
    down = axes | {
        "rates": {"key": "learning.rates", "log": [1e-11, 1e-1], "points": 2 * points - 1}
    }
    return [
        Experiment(
            "adam",
            "How far may a rate be off with the paper's Adam?",
            _sweep("adam", axes | seeds),
        ),
        Experiment(
            "descent",
            "And with plain gradient descent?",
            _sweep(
                "descent",
                down | {"optimiser": {"key": "learning.optimiser", "values": ["sgd"]}} | seeds,
                learning={"proxy": False},
            ),
        ),
    ]


FAST = {"vteam": 5e9, "yakopcic": 300e3}  # Hz, to which the paper had to go


def hysteresis_frequency(model: str) -> float:
    """The frequency (Hz) of `model` in Figure 9: its first half wave just takes it to its bound."""
    return driven(model)[2][0]


VOLTAGES = (0.1, 0.3, 1.0, 3.0)


def frequencies(quick: bool) -> list[Experiment]:
    """Pulse amplitude modulation from the frequency of the hysteresis to the paper's and beyond.

    A pulse is -q f high. `voltage` is its height over that at the paper's frequency and rate: at a
    lower frequency and the same rate it would stay below the device's threshold, and nothing would
    happen.
    """
    from ..experiments import load_spec

    found = []
    for model, fast in FAST.items():
        slow = hysteresis_frequency(model)
        steps = [*np.geomspace(slow, fast, 6).tolist()[:-1], fast, 10 * fast]
        names = spec_names(
            "ebana",
            modulations=["pam"],
            datasets=["iris"],
            sizes=["large"],
            ranges=["r10k"],
            models=[model],
        )
        rate = float(np.asarray(load_spec(names[0]).spec.learning.rates))
        axes = {
            "spec": names,
            "frequency": {
                "zip": {
                    "write.frequency": steps,
                    "learning.rates": [rate * fast / step for step in steps],
                }
            },
            "voltage": {"key": "learning.rates", "times": [1.0] if quick else list(VOLTAGES)},
            "seed": {"count": 1 if quick else 3},
        }
        found.append(
            Experiment(
                f"frequencies_{model}",
                "Which pulses are short enough for a threshold device?",
                _sweep(f"frequencies_{model}", axes),
            )
        )
    return found


def beyond(quick: bool) -> list[Experiment]:
    """All of (b) to (g), and what two of the paper's statements need; the longest first."""
    return [
        *epochs(quick),
        equations(quick),
        estimators(quick),
        diodes(quick),
        *confound(quick),
        *optimisers(quick),
        *frequencies(quick),
    ]
