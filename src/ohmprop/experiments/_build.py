"""From a validated spec to the objects of a run: data, network, devices, trainer, first values."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import jax
import numpy as np
from numpy.typing import NDArray

from ohmprop import data as datasets
from ohmprop._core import BadInput
from ohmprop.circuit import (
    AbstractDiode,
    Amplifier,
    IdealClamp,
    Network,
    NoDiode,
    PiecewiseLinearDiode,
    ShockleyDiode,
)
from ohmprop.data import Dataset
from ohmprop.drive import PAM, PWM, Ideal
from ohmprop.experiments._device import make_device
from ohmprop.experiments._spec import DiodeSpec, Spec
from ohmprop.learning import Trainer, make_estimator, make_loss, make_optimiser


@dataclass(frozen=True)
class Job:
    """Everything a run needs; `initial` holds the first conductances (S) of each crossbar."""

    spec: Spec
    data: Dataset
    trainer: Trainer
    initial: tuple[NDArray[np.floating], ...]

    @property
    def fingerprint(self) -> str:
        """Hash of the spec and of the encoded data: what a resumed run must share."""
        digest = hashlib.sha256(self.spec.model_dump_json().encode())
        for array in (self.data.inputs, self.data.targets, self.data.test_inputs):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


Described = TypeVar("Described", Spec, Job)
Rest = ParamSpec("Rest")
Result = TypeVar("Result")


def in_own_precision(
    function: Callable[Concatenate[Described, Rest], Result],
) -> Callable[Concatenate[Described, Rest], Result]:
    """Run `function`, whose first argument is a spec or a job, under the precision it asks for.

    JAX's x64 switch is set for the call only: float64 needs it on, and with it on the devices'
    float64 parameters would turn a float32 run into a float64 one.
    """

    @wraps(function)
    def scoped(first: Described, *args: Rest.args, **options: Rest.kwargs) -> Result:
        spec = first.spec if isinstance(first, Job) else first
        with jax.enable_x64(spec.dtype == "float64"):
            return function(first, *args, **options)

    return scoped


class Parts:
    """Data, networks and devices of jobs built together: made once for equal sections."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, ...], Any] = {}

    def get(self, kind: str, key: str, make: Callable[[], Any]) -> Any:
        """What `make()` gives, or gave before for the same key."""
        if (kind, key) not in self._made:
            self._made[kind, key] = make()
        return self._made[kind, key]


@in_own_precision
def build(spec: Spec, parts: Parts | None = None) -> Job:
    """Build the job that `spec` describes; raises BadInput where the parts do not fit.

    `parts` are shared with other jobs of the same precision.
    """
    parts = parts or Parts()
    seed = str(spec.seed) if spec.data.test_fraction and spec.data.split_seed is None else ""
    source = spec.data.model_dump_json() + seed
    data = parts.get("data", source, lambda: load_data(spec))
    learn = spec.learning
    _require_codes(learn.loss, data)
    network = parts.get(
        "network",
        spec.network.model_dump_json() + source,
        lambda: make_network(spec, data.inputs.shape[1], data.targets.shape[1]),
    )
    device = parts.get("device", spec.device.model_dump_json(), lambda: make_device(spec.device))
    rates = learn.rates if isinstance(learn.rates, list) else [learn.rates] * len(network.shapes)
    if learn.batch_size is not None and learn.batch_size > len(data.inputs):
        raise BadInput(
            f"learning.batch_size: expected at most the {len(data.inputs)} training rows, "
            f"found {learn.batch_size}"
        )
    options = {k: v for k, v in learn.optimiser.items() if k != "name"}
    trained = learn.model_dump_json() + spec.write.model_dump_json()
    trainer = parts.get(
        "trainer",
        source + spec.network.model_dump_json() + spec.device.model_dump_json() + trained,
        lambda: Trainer(
            network,
            (device,) * len(network.shapes),
            make_loss(learn.loss, logit_scale=learn.logit_scale),
            make_estimator(learn.estimator, beta=learn.beta, nudge=learn.nudge, proxy=learn.proxy),
            make_optimiser(learn.optimiser["name"], **options),
            _policy(spec),
            rates=tuple(rates),
            batch_size=learn.batch_size,
            multilabel=not data.encoding.one_hot and data.encoding.outputs > 1,
            integration=spec.write.integration,
        ),
    )
    span = (float(device.r_on), float(device.r_off))
    return Job(spec, data, trainer, initial_conductances(spec, network.shapes, span))


def load_data(spec: Spec) -> Dataset:
    """The encoded dataset of `spec`; raises BadInput where a network could not learn from it."""
    d = spec.data
    data = datasets.load(
        d.csv if d.csv is not None else str(d.dataset),
        target=d.target,
        rows=d.rows,
        scale=d.scale,
        rounding=d.rounding or None,
        target_shift=d.target_shift,
        one_hot=d.one_hot,
        test_fraction=d.test_fraction,
        seed=spec.seed if d.split_seed is None else d.split_seed,
    )
    if len(np.unique(data.labels)) < 2:
        raise BadInput(
            f"{data.name}: only one class in the {len(data.labels)} training rows; "
            "expected at least two"
        )
    return data


def _require_codes(loss: str, data: Dataset) -> None:
    """Refuse targets of which `loss` has no minimum: the entropies read them as 0 and 1."""
    if loss == "mse":
        return
    positive = data.targets > 0
    if positive.all() or not positive.any():
        found = "every target" if positive.all() else "no target"
        raise BadInput(
            f"data.target_shift: learning.loss {loss} reads targets above 0 V as 1 and others as "
            f"0; expected both kinds, found {found} above 0 V. -0.5 V gives both"
        )
    coding = data.encoding
    if loss == "cross_entropy" and not (coding.one_hot and coding.outputs > 1):
        found = "a code of bits" if coding.outputs > 1 else "one output"
        raise BadInput(
            f"learning.loss: cross_entropy expects one output a class, at least two, found {found} "
            f"for {data.name}; use bce, or data.one_hot=true"
        )


def make_network(spec: Spec, features: int, outputs: int) -> Network:
    """The layered network of `spec` for so many features and outputs."""
    n = spec.network
    dtype = np.dtype(spec.dtype)
    layers = len(n.hidden)
    amplifier = Amplifier(gain=n.amplifier.gain, shift=n.amplifier.shift)
    return Network(
        features=features,
        hidden=tuple(n.hidden),
        outputs=outputs,
        bias=tuple(np.asarray(b, dtype) for b in n.bias_volts),  # pyright: ignore[reportArgumentType]
        diodes=(_diode(n.diode),) * layers,
        amplifiers=(amplifier,) * layers,
    )


def _diode(d: DiodeSpec) -> AbstractDiode:
    if d.kind == "clamp":
        return IdealClamp(lower=d.lower, upper=d.upper)
    if d.kind == "shockley":
        return ShockleyDiode(i_s=d.i_s, n=d.n, v_bias=d.v_bias, sides=d.sides)
    if d.kind == "none":
        return NoDiode()
    return PiecewiseLinearDiode(v_th=d.v_th, r_on=d.r_on, sides=d.sides)


def _policy(spec: Spec) -> Any:
    if spec.write.scheme == "pwm":
        return PWM(spec.write.amplitude)
    if spec.write.scheme == "pam":
        return PAM(spec.write.frequency)
    return Ideal()


def initial_conductances(
    spec: Spec, shapes: tuple[tuple[int, int], ...], span: tuple[float, float]
) -> tuple[NDArray[np.floating], ...]:
    """First conductances (S): first crossbar first, row by row, from one `RandomState`.

    Uniform in conductance, or uniform in memristance and inverted. Bounds default to the device's
    range, `span` = (r_on, r_off) in ohms, and must lie within it.
    """
    first, (r_on, r_off) = spec.initial, span
    by_conductance = first.distribution == "conductance"
    least, most = (1 / r_off, 1 / r_on) if by_conductance else span
    low = least if first.low is None else first.low
    high = most if first.high is None else first.high
    slack = 1e-9
    if not (least * (1 - slack) <= low <= high <= most * (1 + slack)):
        unit = "S" if by_conductance else "ohm"
        raise BadInput(
            f"initial: expected low <= high in the device's range [{least:g}, {most:g}] {unit}, "
            f"found low = {low:g}, high = {high:g}"
        )
    random = np.random.RandomState(spec.seed if first.seed is None else first.seed)
    dtype = np.dtype(spec.dtype)
    values = [low + (high - low) * random.uniform(size=shape) for shape in shapes]
    return tuple((v if by_conductance else 1 / v).astype(dtype) for v in values)
