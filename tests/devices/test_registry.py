"""Names, parameter sets and what `make` refuses."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
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
    assert pair("mms", "V_on") == (1 / 0.9, 0.17)
    assert pair("mms", "V_off") == (1 / 0.9, 0.22)
    assert pair("mms", "tau") == (1e-4, 3.2e-4)
    assert pair("mms", "r_on") == (100, 1 / 8.7e-3)
    assert pair("mms", "r_off") == (1e5, 1 / 9.1e-4)


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
        (lambda: devices.make("linear", r_on=100.0, r_off=100.0), "expected r_on < r_off"),
        (lambda: devices.make("linear", r_on=0), "a finite number > 0 for r_on, in ohm, found 0"),
        (lambda: devices.make("linear", r_on="100 ohm"), "for r_on, in ohm, found '100 ohm'"),
        (lambda: devices.make("vteam", window=1.0), "a name for window"),
        (lambda: devices.make("mms", tau=math.nan), "for tau, in s, found nan"),
        (lambda: devices.make("biolek", r_on=-5.0), "found -5.0. The 'seed' set has 100."),
        (lambda: devices.make("vteam", w_on=4e-9), "expected w_on < w_off"),
        (lambda: devices.make("vteam", v_on=0.2), "a finite number < 0 for v_on, in V, found 0.2"),
        (lambda: devices.make("yakopcic", x_p=1.0), "a finite number >= 0 and < 1 for x_p"),
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


# What each parameter may be, written out separately from the package: anything finite, or a sign.
ANY = {"w_on", "w_off", "a_on", "a_off"}
NEGATIVE = {"vteam": {"v_on", "k_on"}}
ZERO = {"mms": {"V_on", "V_off"}, "yakopcic": {"V_p", "V_n", "alpha_p", "alpha_n", "x_p", "x_n"}}
BELOW_ONE = {"yakopcic": {"x_p", "x_n"}}
OVERRIDES = [
    (model, params, name)
    for model in MODELS
    for params in devices.MODELS[model].PARAMETERS
    for name in devices.parameter_set(model, params)
]


@pytest.mark.parametrize(("model", "params", "name"), OVERRIDES)
def test_make_refuses_impossible_overrides(model, params, name):
    sign = -1.0 if name in NEGATIVE.get(model, ()) else 1.0
    refused = [math.nan, math.inf, -math.inf, "1", True, None, [], [sign, None], 1j]
    if name not in ANY:
        refused += [-sign, -sign * 1e-30, jnp.array([sign, -sign])]
        refused += [] if name in ZERO.get(model, ()) else [0, 0.0, -0.0]
    refused += [1.0, 1.5] if name in BELOW_ONE.get(model, ()) else []
    unit = devices.parameter_set(model, params)[name].unit
    for value in refused:
        with pytest.raises(BadInput) as caught:
            devices.make(model, params, **{name: value})
        said = str(caught.value)
        assert said.startswith(f"{model}: expected a finite number"), said
        assert f" for {name}, in {unit}, found {value!r}. The {params!r} set has " in said, said


@pytest.mark.parametrize(("model", "params", "name"), OVERRIDES)
def test_make_accepts_possible_overrides(model, params, name):
    value = devices.parameter_set(model, params)[name].value
    accepted = [value, np.float32(value), jnp.array([value, value]), [value, value]]
    accepted += [0, 0.0] if name in ZERO.get(model, ()) else []
    accepted += [-1e-12, -1.0] if name in ANY - {"w_off"} else []
    for given in accepted:
        found = getattr(devices.make(model, params, **{name: given}), name)
        np.testing.assert_allclose(found, given, rtol=1e-6)
    traced = jax.jit(lambda v: getattr(devices.make(model, params, **{name: v}), name))(value)
    assert float(traced) == value


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("params", ["seed", "published"])
def test_make_refuses_resistances_out_of_order(model, params):
    r_off = devices.parameter_set(model, params)["r_off"].value
    for changed in ({"r_on": r_off}, {"r_on": 2 * r_off}, {"r_off": 1.0},
                    {"r_on": jnp.array([1.0, 2 * r_off])},
                    {"r_off": np.array([1.0, 2 * r_off])}):  # fmt: skip
        wanted = f"{model}: expected r_on < r_off, found r_on=.*Raise r_off or lower r_on."
        with pytest.raises(BadInput, match=wanted):
            devices.make(model, params, **changed)
