"""Parameter sets as aihwkit publishes them, with what it leaves to its defaults filled in."""

from .._base import Parameter

_KIT = "IBM aihwkit, src/aihwkit/simulator/presets/devices.py"
_DEFAULT = "IBM aihwkit, src/aihwkit/simulator/configs/devices.py, a default of the device class"
_OWN = "not published: aihwkit has weights and no volts; this package's choice"

_SCALE = {
    "r_on": Parameter(1e4, "ohm", _OWN),
    "r_off": Parameter(1e5, "ohm", _OWN),
    "v_pulse": Parameter(1.0, "V", _OWN),
    "t_pulse": Parameter(1e-6, "s", _OWN),
}
_DEFAULTS = {
    "w_min": -0.6,
    "w_max": 0.6,
    "dw_min": 1e-3,
    "up_down": 0.0,
    "dw_min_std": 0.3,
    "write_noise_std": 0.0,
    "dw_min_dtod": 0.3,
    "up_down_dtod": 0.01,
    "w_min_dtod": 0.3,
    "w_max_dtod": 0.3,
}


def numbers(preset: str, **values: float) -> dict[str, Parameter]:
    """A published preset: its own `values`, else the defaults of the device class."""
    source = f"{_KIT}, {preset}"
    own = {name: Parameter(value, "1", source) for name, value in values.items()}
    return _SCALE | defaults() | own


def defaults(**values: float) -> dict[str, Parameter]:
    """The defaults of the device classes, and `values` that are defaults of one of them."""
    rest = {k: Parameter(v, "1", _DEFAULT) for k, v in (_DEFAULTS | values).items()}
    return _SCALE | rest
