"""The description of one training run, validated; SI units throughout."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ohmprop.experiments._quantity import (
    is_number,
    quantity,
    read_bounded,
    read_quantity,
    whole,
)

Volt = Annotated[float, quantity("V")]
PositiveVolt = Annotated[float, quantity("V", above=0)]
PositiveOhm = Annotated[float, quantity("ohm", above=0)]
Seed = Annotated[int, whole(0, 2**32 - 1)]  # what NumPy's `RandomState` takes
Fraction = Annotated[float, quantity(least=0)]

# The models of the seed paper: each has the sets "seed", the default, and "published".
_SEED_MODELS = {"linear", "linear_ion_drift", "joglekar", "biolek", "vteam", "yakopcic", "mms"}


def _number_if_possible(value: Any) -> Any:
    """Numbers from text that begins like one; other text (a name, an option) as it stands."""
    if isinstance(value, str) and not value.lstrip("+- .")[:1].isdigit():
        return value
    return value if isinstance(value, bool) else read_quantity(value, "")


def _override(model: Any, params: Any, name: str, value: Any) -> Any:
    """The override of a device's parameter, in the parameter's own unit where it is text."""
    if isinstance(value, list):
        return [_override(model, params, name, item) for item in value]
    if not isinstance(value, str) or is_number(value) or model is None:
        return _number_if_possible(value)
    from ohmprop import devices  # brings JAX, which nothing else here needs

    known = devices.parameter_set(model, params)
    if name not in known:  # an option, or a mistake that `devices.make` complains of
        return value
    unit = known[name].unit
    try:
        return read_quantity(value, "" if unit == "1" else unit)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSpec(Section):
    """Which rows and how they become volts: x = round(scale·(X·s + m), rounding)."""

    dataset: str | None = None
    csv: str | None = None
    target: str | None = None
    rows: Annotated[int, whole(1)] | None = None
    scale: PositiveVolt = 0.5
    rounding: Annotated[float, quantity("V", least=0)] = 0.01
    target_shift: Volt = -0.5
    one_hot: bool | None = None
    test_fraction: Fraction = 0.0
    split_seed: Seed | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.csv is None):
            raise ValueError("expected exactly one of 'dataset' and 'csv'")
        if self.csv is not None and self.target is None:
            raise ValueError("expected 'target', the column of the CSV file to predict")
        if not self.test_fraction < 1:
            raise ValueError(f"expected test_fraction below 1, found {self.test_fraction:g}")
        return self


class DiodeSpec(Section):
    """The nonlinearity of the hidden nodes."""

    kind: Literal["piecewise_linear", "clamp", "shockley", "none"] = "piecewise_linear"
    v_th: Annotated[float, quantity("V", least=0)] = 0.3
    r_on: PositiveOhm = 1.0
    i_s: Annotated[float, quantity("A", above=0)] = 1e-8
    n: Annotated[float, quantity(above=0)] = 1.5
    v_bias: Volt = 0.0
    lower: Volt = -0.3
    upper: Volt = 0.3
    sides: Literal["both", "upper", "lower"] = "both"

    @field_validator("kind", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return "none" if value is False or value in ("off", "no") else value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.lower < self.upper:
            raise ValueError(f"expected lower < upper, found {self.lower:g} and {self.upper:g}")
        return self


class AmplifierSpec(Section):
    """The bidirectional amplifier: a = shift + gain·(h − shift), current back divided by gain."""

    gain: Annotated[float, quantity(above=0)] = 4.0
    shift: Volt = 0.0


class NetworkSpec(Section):
    """The layered network; `bias` lists the source volts of each crossbar."""

    hidden: list[Annotated[int, whole(1)]] = [10]
    bias: list[list[Volt]] | None = None
    diode: DiodeSpec = DiodeSpec()
    amplifier: AmplifierSpec = AmplifierSpec()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.bias is not None and len(self.bias) != len(self.hidden) + 1:
            raise ValueError(
                f"bias: expected one list of volts per crossbar, {len(self.hidden) + 1} for "
                f"hidden {self.hidden}, found {len(self.bias)}; or null for the default"
            )
        return self

    @property
    def bias_volts(self) -> list[list[float]]:
        """Source volts of each crossbar; ±1 V everywhere unless the spec says otherwise."""
        if self.bias is None:
            return [[1.0, -1.0]] * (len(self.hidden) + 1)
        return self.bias


class DeviceSpec(Section):
    """The memristor model, its parameter set and what departs from it; None: as in the set.

    `params` None is the model's first set; validated, it holds that set's name.
    """

    model: str = "biolek"
    params: str | None = Field(default=None, validate_default=True)
    r_on: PositiveOhm | None = None
    r_off: PositiveOhm | None = None
    overrides: dict[str, float | str | list[float]] = Field(default_factory=dict)

    @field_validator("model", mode="after")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in _SEED_MODELS:
            from ohmprop import devices  # brings JAX, which the seed's models do not need here

            devices.default_set(value)
        return value

    @field_validator("params", mode="after")
    @classmethod
    def _named(cls, value: str | None, info: ValidationInfo) -> str | None:
        model = info.data.get("model")
        if model is None:  # refused already
            return value
        if model in _SEED_MODELS and value in (None, "seed", "published"):
            return value or "seed"
        from ohmprop import devices

        devices.parameter_set(model, value)
        return value or devices.default_set(model)

    @field_validator("overrides", mode="before")
    @classmethod
    def _numbers(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"expected a table of parameter: value, found {value!r}")
        model, params = info.data.get("model"), info.data.get("params")
        return {str(key): _override(model, params, str(key), item) for key, item in value.items()}

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.r_on is not None and self.r_off is not None and not self.r_off > self.r_on:
            raise ValueError(
                f"expected r_off above r_on, found r_on = {self.r_on:g} ohm, "
                f"r_off = {self.r_off:g} ohm"
            )
        return self


class InitialSpec(Section):
    """Initial values, uniform in [low, high]: siemens for conductance, ohms for memristance."""

    distribution: Literal["conductance", "memristance"] = "conductance"
    low: Annotated[float, quantity(above=0)] | None = None
    high: Annotated[float, quantity(above=0)] | None = None
    seed: Seed | None = None

    @model_validator(mode="before")
    @classmethod
    def _units(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        unit = "ohm" if value.get("distribution") == "memristance" else "S"
        read = dict(value)
        for key in ("low", "high"):
            if isinstance(read.get(key), str):
                read[key] = read_quantity(read[key], unit)
        return read

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise ValueError(f"expected low <= high, found {self.low:g} and {self.high:g}")
        return self


class LearningSpec(Section):
    """Estimator, loss, optimiser and schedule.

    `beta`, the nudging current over dC/dy, is in siemens for the squared error, whose C is in V^2,
    and in A V for the entropies, whose C has no unit. `rates`, one or one a crossbar, are in V s,
    or in S where `write.scheme` is ideal (see `WriteSpec`). `logit_scale` is for the entropies.
    """

    estimator: Literal["positive", "negative", "centred", "random_sign", "four_point", "exact"] = (
        "centred"
    )
    loss: Literal["mse", "bce", "cross_entropy"] = "mse"
    beta: float = 1e-6
    nudge: Literal["constant", "cost"] = "constant"
    proxy: bool = False
    logit_scale: PositiveVolt = 0.1
    optimiser: dict[str, Any] = Field(default_factory=lambda: {"name": "adam"})
    rates: float | list[float] = 1e-8
    epochs: Annotated[int, whole(1)] = 50
    batch_size: Annotated[int, whole(1)] | None = None

    @field_validator("optimiser", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise ValueError(
                f"expected a table with 'name', such as {{name: adam}}, found {value!r}"
            )
        return {k: _number_if_possible(v) for k, v in value.items()}

    @field_validator("beta", mode="before")
    @classmethod
    def _nudge(cls, value: Any, info: ValidationInfo) -> float:
        unit = "S" if info.data.get("loss", "mse") == "mse" else "A V"
        return read_bounded(value, unit, above=0)

    @field_validator("rates", mode="before")
    @classmethod
    def _positive(cls, value: Any) -> Any:
        values = [read_quantity(v, "") for v in (value if isinstance(value, list) else [value])]
        if not values or min(values) <= 0:
            raise ValueError(f"expected positive numbers, found {value!r}")
        return values if isinstance(value, list) else values[0]


class WriteSpec(Section):
    """How a wanted change becomes a pulse: PWM at `amplitude`, PAM at `frequency`, or ideal.

    q = rate times the optimiser's step is written as a flux of q V s by both pulse schemes: `pwm`
    for |q|/amplitude seconds, `pam` at q frequency volts. `ideal` changes the conductance itself,
    by q siemens. So `learning.rates` are in V s for `pwm` and `pam` and in S for `ideal`, where
    they must be chosen anew (1e-5 S suits `adam` on 1e-5 to 8e-4 S). `integration`: the state after
    a pulse is `exact`, or that of one `euler` step as in the seed's code.
    """

    scheme: Literal["pwm", "pam", "ideal"] = "pwm"
    amplitude: PositiveVolt = 1.0
    frequency: Annotated[float, quantity("Hz", above=0)] = 1e5
    integration: Literal["exact", "euler"] = "exact"


class Spec(Section):
    """One training run."""

    name: str = "run"
    seed: Seed = 0
    data: DataSpec
    network: NetworkSpec = NetworkSpec()
    device: DeviceSpec = DeviceSpec()
    initial: InitialSpec = InitialSpec()
    learning: LearningSpec = LearningSpec()
    write: WriteSpec = WriteSpec()
    dtype: Literal["float64", "float32"] = "float64"

    @model_validator(mode="before")
    @classmethod
    def _rates(cls, value: Any) -> Any:
        """Read `learning.rates` in the unit that `write.scheme` decides."""
        learning = value.get("learning") if isinstance(value, dict) else None
        if not isinstance(learning, dict) or not isinstance(learning.get("rates"), (str, list)):
            return value
        rates = learning["rates"]
        write = value.get("write")
        scheme = write.get("scheme") if isinstance(write, dict) else getattr(write, "scheme", "pwm")
        unit = "S" if scheme == "ideal" else "V s"
        try:
            read = [
                read_quantity(rate, unit) if isinstance(rate, str) else rate
                for rate in (rates if isinstance(rates, list) else [rates])
            ]
        except ValueError as error:
            raise ValueError(f"learning.rates: {error}") from None
        read = read if isinstance(rates, list) else read[0]
        return value | {"learning": learning | {"rates": read}}

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        rates, crossbars = self.learning.rates, len(self.network.hidden) + 1
        if isinstance(rates, list) and len(rates) != crossbars:
            raise ValueError(
                f"learning.rates: expected one number, or one per crossbar ({crossbars}), "
                f"found {len(rates)}"
            )
        return self
