"""Names, parameter sets and what `make` refuses."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from ohmprop import devices
from ohmprop._core import BadInput

MODELS = list(devices.MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_has_value_unit_and_source(model):
    assert {"seed", "published"} <= set(devices.MODELS[model].PARAMETERS)
    for params in devices.MODELS[model].PARAMETERS:
        for name, parameter in devices.parameter_set(model, params).items():
            assert math.isfinite(parameter.value), name
            assert parameter.unit.strip(), name
            assert parameter.source.strip(), name


@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_float_array_leaves(model):
    device = devices.make(model)
    leaves = jax.tree.leaves(device)
    assert len(leaves) == len(devices.parameter_set(model, "seed"))
    assert all(eqx.is_inexact_array(leaf) for leaf in leaves)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("params", ["seed", "published"])
def test_make_uses_the_set_and_the_overrides(model, params):
    device = devices.make(model, params, r_on=123.0, r_off=45e3)
    assert (float(device.r_on), float(device.r_off)) == (123.0, 45e3)
    for name, parameter in devices.parameter_set(model, params).items():
        if name not in ("r_on", "r_off"):
            assert float(getattr(device, name)) == parameter.value


def test_parameter_set_is_a_copy():
    devices.parameter_set("biolek", "seed").clear()
    assert devices.parameter_set("biolek", "seed")


def test_seed_and_published_differ_where_the_seed_deviates():
    def pair(model: str, name: str) -> tuple[float, float]:
        sets = (devices.parameter_set(model, s) for s in ("seed", "published"))
        first, second = (s[name].value for s in sets)
        return first, second

    assert pair("linear_ion_drift", "mu_v") == (1e-9, 1e-14)
    assert pair("vteam", "alpha_on") == (1, 3)
    assert pair("vteam", "alpha_off") == (3, 1)
    assert pair("yakopcic", "V_p") == (0.5, 0.16)
    assert pair("yakopcic", "V_n") == (0.5, 0.15)
    assert pair("yakopcic", "x_n") == (0.3, 0.5)
    assert pair("mms", "V_on") == (1 / 0.9, 0.27)


@pytest.mark.parametrize("params", ["seed", "published"])
def test_structural_windows_follow_the_set_and_are_static(params):
    vteam, yakopcic = devices.make("vteam", params), devices.make("yakopcic", params)
    assert isinstance(vteam, devices.VTEAM) and isinstance(yakopcic, devices.Yakopcic)
    assert vteam.window == yakopcic.window == params
    assert params not in jax.tree.leaves((vteam, yakopcic))


@pytest.mark.parametrize(
    ("call", "fragment"),
    [
        (lambda: devices.make("biolec"), "Did you mean 'biolek'?"),
        (lambda: devices.make("yacopcic"), "Did you mean 'yakopcic'?"),
        (lambda: devices.make("mms", "publisched"), "Did you mean 'published'?"),
        (lambda: devices.parameter_set("vteam", "sead"), "Did you mean 'seed'?"),
        (lambda: devices.parameter_set("vtem"), "Did you mean 'vteam'?"),
        (lambda: devices.make("linear", r_onn=1.0), "Did you mean 'r_on'?"),
        (lambda: devices.make("vteam", window="publish"), "Did you mean 'published'?"),
        (lambda: devices.make("yakopcic", window="sede"), "Did you mean 'seed'?"),
        (lambda: devices.make("linear", r_on=100.0, r_off=100.0), "0 < r_on < r_off"),
        (lambda: devices.make("linear", r_on=0), "0 < r_on < r_off"),
        (lambda: devices.make("linear", r_on="100 ohm"), "a number in SI units for r_on"),
        (lambda: devices.make("vteam", window=1.0), "a name for window"),
        (lambda: devices.make("mms", tau=math.nan), "found NaN"),
    ],
)
def test_bad_input_says_what_to_do(call, fragment):
    with pytest.raises(BadInput, match=".") as caught:
        call()
    assert fragment in str(caught.value)


def test_arrays_pass_as_overrides_and_keep_their_precision():
    r_on = jnp.array([90.0, 110.0], dtype=jnp.float32)
    device = devices.make("linear", r_on=r_on)
    assert device.r_on.dtype == jnp.float32
