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
SETS = [(model, params) for model in MODELS for params in devices.MODELS[model].PARAMETERS]


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_has_value_unit_and_source(model):
    assert devices.MODELS[model].PARAMETERS
    for params in devices.MODELS[model].PARAMETERS:
        for name, parameter in devices.parameter_set(model, params).items():
            assert np.isfinite(parameter.value).all(), name
            assert parameter.unit.strip(), name
            assert parameter.source.strip(), name


@pytest.mark.parametrize("model", ["linear", "biolek", "vteam", "yakopcic", "mms"])
def test_models_of_the_seed_have_its_numbers_first(model):
    assert list(devices.MODELS[model].PARAMETERS) == ["seed", "published"]
    assert devices.default_set(model) == "seed"


@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_float_array_leaves(model):
    device = devices.make(model)
    leaves = jax.tree.leaves(device)
    assert len(leaves) == len(devices.parameter_set(model))
    assert all(eqx.is_inexact_array(leaf) for leaf in leaves)


@pytest.mark.parametrize(("model", "params"), SETS)
def test_make_uses_the_set_and_the_overrides(model, params):
    table = devices.parameter_set(model, params)
    changed = {n: 1.01 * table[n].value for n in ("r_on", "r_off") if n in table}
    device = devices.make(model, params, **changed)
    for name, parameter in table.items():
        want = changed.get(name, parameter.value)
        np.testing.assert_array_equal(getattr(device, name), want)


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


# What a parameter may be, written out separately from the package: values taken, values refused.
KINDS = {
    "positive": ([], [-1.0, -1e-30, 0, 0.0, -0.0, jnp.array([1.0, -1.0])]),
    "negative": ([], [1.0, 1e-30, 0, 0.0, -0.0, jnp.array([-1.0, 1.0])]),
    "any": ([-1e-12, -1.0, 0], []),
    "not negative": ([0, 0.0], [-1.0, -1e-30, jnp.array([1.0, -1.0])]),
    "below one": ([0, 0.0, 0.99], [-1.0, -1e-30, 1.0, 1.5]),
    "at most one": ([0.5, 1.0], [-1.0, 0.0, 1.01, 2.0]),
    "between -1 and 1": ([-0.9, 0, 0.9], [-1.0, 1.0, 1.5]),
}
# Parameters that need not be positive, for every model and for the named one.
ALL = {
    "any": {"w_on", "w_off", "a_on", "a_off", "w_min"},
    "not negative": {
        "dw_min_std", "write_noise_std", "dw_min_dtod", "up_down_dtod", "w_min_dtod", "w_max_dtod"
    },
    "between -1 and 1": {"up_down"},
}  # fmt: skip
OWN = {
    "vteam": {"negative": {"v_on", "k_on"}},
    "team": {"negative": {"i_on", "k_on"}},
    "mms": {"not negative": {"V_on", "V_off"}},
    "gmss": {
        "not negative": {"V_on", "V_off", "alpha_f", "alpha_r", "beta_f", "beta_r"},
        "at most one": {"phi"},
    },
    "yakopcic": {"not negative": {"V_p", "V_n", "alpha_p", "alpha_n"}, "below one": {"x_p", "x_n"}},
    "yakopcic2020": {"not negative": {"V_p", "V_n"}, "below one": {"x_p", "x_n"}},
    "stanford_pku": {"not negative": {"beta", "F_min", "R_th", "delta_g"}},
    "linear_step": {
        "not negative": {"gamma_up", "gamma_down", "gamma_up_dtod", "gamma_down_dtod"}
    },
    "exp_step": {
        "any": {"a", "b", "A_up", "A_down", "gamma_up", "gamma_down"},
        "not negative": {"dw_min_std_add", "dw_min_std_slope"},
    },
    "pow_step": {
        "between -1 and 1": {"pow_up_down"},
        "not negative": {"pow_gamma_dtod", "pow_up_down_dtod"},
    },
    "piecewise_step": {"not negative": {"nodes_up", "nodes_down"}},
}  # fmt: skip
OVERRIDES = [
    (model, params, name)
    for model, params in SETS
    if params in ("published", devices.default_set(model))
    for name in devices.parameter_set(model, params)
]


def _kind(model: str, name: str) -> str:
    for table in (OWN.get(model, {}), ALL):
        for kind, names in table.items():
            if name in names:
                return kind
    return "positive"


@pytest.mark.parametrize(("model", "params", "name"), OVERRIDES)
def test_make_refuses_impossible_overrides(model, params, name):
    wrong = [math.nan, math.inf, -math.inf, "1", True, None, [], [1.0, None], 1j]
    unit = devices.parameter_set(model, params)[name].unit
    for value in wrong + KINDS[_kind(model, name)][1]:
        with pytest.raises(BadInput) as caught:
            devices.make(model, params, **{name: value})
        said = str(caught.value)
        assert said.startswith(f"{model}: expected a finite number"), said
        assert f" for {name}, in {unit}, found {value!r}. The {params!r} set has " in said, said


@pytest.mark.parametrize(("model", "params", "name"), OVERRIDES)
def test_make_accepts_possible_overrides(model, params, name):
    value = devices.parameter_set(model, params)[name].value
    ordered = any(name in pair for pair in devices.MODELS[model].ORDERED)
    accepted = [value, np.float32(value), jnp.array([value, value]), [value, value]]
    for given in accepted + ([] if ordered else KINDS[_kind(model, name)][0]):
        found = getattr(devices.make(model, params, **{name: given}), name)
        np.testing.assert_allclose(found, given, rtol=1e-6)
    traced = jax.jit(lambda v: getattr(devices.make(model, params, **{name: v}), name))(value)
    np.testing.assert_array_equal(traced, value)


@pytest.mark.parametrize(("model", "params"), SETS)
def test_make_refuses_resistances_out_of_order(model, params):
    table = devices.parameter_set(model, params)
    if "r_on" not in table:
        with pytest.raises(BadInput, match=f"{model}: no parameter 'r_on'. It follows from "):
            devices.make(model, params, r_on=1.0)
        return
    r_on, r_off = (table[name].value for name in ("r_on", "r_off"))
    for changed in ({"r_on": r_off}, {"r_on": 2 * r_off}, {"r_off": 0.5 * r_on},
                    {"r_on": jnp.array([r_on, 2 * r_off])},
                    {"r_off": np.array([0.5 * r_on, 2 * r_on])}):  # fmt: skip
        wanted = f"{model}: expected r_on < r_off, found r_on=.*Raise r_off or lower r_on."
        with pytest.raises(BadInput, match=wanted):
            devices.make(model, params, **changed)
