"""The seed's JSON configurations translate to specs with the code's semantics."""

import copy

import equinox as eqx
import jax
import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.bench import _simulated
from ohmprop.experiments import build, builtin, load_spec, run_job
from ohmprop.experiments._ebana import translate

CONFIG = {
    "dataset": {
        "type": "Iris",
        "scale": 0.5,
        "split_size": 0,
        "output_shift": -0.5,
        "output_midpoint": 0.0,
        "batch_size": 105,
        "shuffle": False,
    },
    "model": {
        "hidden_1_units": 10,
        "bias_p": 1,
        "bias_n": -1,
        "weight_initializer": {
            "init_type": "random_uniform",
            "params": {
                "U": 8e-4,
                "L": 1e-5,
                "g_max": 1e-2,
                "g_min": 1e-5,
                "memristor": "biolek",
                "D": 1e-8,
                "p": 1,
            },
        },
        "diode_params": {"VTH": 0.3, "RON": 1.0},
        "amp_params": {"shift": 0, "gain": 4},
        "training": {
            "beta": 1e-06,
            "lr": 3e-05,
            "dt_scaling": 3e-4,
            "epochs": 50,
            "modulation_mode": "PWM",
            "V_const": 1.0,
        },
        "load_weights_path": "weights/iris_1e2_1e5.npy",
    },
}


def test_translation_equals_the_builtin_spec_of_the_same_run():
    spec, notes = load_spec(CONFIG)
    expected = load_spec("ebana-iris-biolek-pwm").spec
    assert spec.model_copy(update={"name": expected.name}) == expected
    assert len(notes) == 1 and "not read" in notes[0]


def test_mms_thresholds_are_inverse_and_the_misspelt_model_is_known():
    config = copy.deepcopy(CONFIG)
    device = config["model"]["weight_initializer"]["params"]
    del device["D"], device["p"]
    device |= {"memristor": "mms", "U_on": 0.5, "U_off": 0.9}
    assert load_spec(config).spec.device.overrides == {"V_on": 2.0}
    del device["U_on"], device["U_off"]
    device |= {"memristor": "yacopcic", "b": 0.05}
    assert load_spec(config).spec.device.model == "yakopcic"


def test_missing_key_is_named():
    config = copy.deepcopy(CONFIG)
    del config["model"]["training"]["beta"]
    with pytest.raises(BadInput, match="'beta' is missing"):
        load_spec(config)


@pytest.mark.parametrize("key", ["weight_initializer", "training", "amp_params", "bias_p"])
def test_damaged_file_is_recognised_and_the_missing_key_named(key):
    config = copy.deepcopy(CONFIG)
    del config["model"][key]
    with pytest.raises(BadInput, match=f"^seed configuration: key '{key}' is missing"):
        load_spec(config)


@pytest.mark.parametrize("section", ["dataset", "model"])
def test_missing_section_is_named(section):
    config = {k: v for k, v in CONFIG.items() if k != section}
    with pytest.raises(BadInput, match=f"^seed configuration: key '{section}' is missing"):
        load_spec(config)


def test_bias_of_its_own_is_kept():
    config = copy.deepcopy(CONFIG)
    config["model"]["bias_p"] = 0.5
    assert load_spec(config).spec.network.bias == [[0.5, -1.0]] * 2


def test_every_shipped_configuration_equals_its_builtin_spec(shared):
    files = sorted((shared / "reference" / "ebana_configs").glob("*.json"))
    assert len(files) == 28
    for path in files:
        scheme, rest = path.stem.split("_", 1)
        dataset = "breast_cancer" if rest.startswith("breast") else "iris"
        model = rest.removeprefix(f"{dataset}_").replace("yacopcic", "yakopcic")
        name = f"ebana-{dataset}-{model}-{scheme}"
        spec = load_spec(path).spec.model_dump()
        built = load_spec(name).spec.model_dump()
        for unused in ("amplitude", "frequency"):
            del spec["write"][unused], built["write"][unused]
        assert spec["learning"].pop("rates") == pytest.approx(
            built["learning"].pop("rates"), rel=1e-15
        )
        assert spec | {"name": name} == built
        ours = builtin(name)["write"]
        assert load_spec(path).spec.write.model_dump() == ours | {
            k: v for k, v in load_spec(path).spec.write.model_dump().items() if k not in ours
        }


def test_unknown_key_is_refused_with_its_place():
    config = {"dataset": {"typ": "Iris"}, "model": {"weight_initializer": {}}}
    with pytest.raises(BadInput, match=r"dataset\.typ: unknown key\. Did you mean 'type'"):
        translate(config)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("dataset.shuffle", True, "expected false, as in .*, found true"),
        ("dataset.split_size", 0.2, "expected 0, as in .*, found 0.2"),
        ("dataset.output_midpoint", 0.1, "expected 0, as in .*, found 0.1"),
        ("model.weight_initializer.init_type", "normal", 'expected "random_uniform", .*"normal"'),
    ],
)
def test_a_value_that_is_not_translated_is_refused(path, value, words):
    config = copy.deepcopy(CONFIG)
    *parents, key = path.split(".")
    section = config
    for part in parents:
        section = section[part]
    assert key in section
    section[key] = value
    with pytest.raises(BadInput, match=rf"^seed configuration: {path}: {words}"):
        load_spec(config)
    del section[key]
    assert load_spec(config).spec == load_spec(CONFIG).spec


def _compiled(function):
    """That function as one program, where the rest runs operation by operation."""
    program = eqx.filter_jit(function)

    def call(*arguments, **options):
        with jax.disable_jit(False):
            return program(*arguments, **options)

    return call


@pytest.mark.slow
def test_every_shipped_configuration_runs_as_it_stands(shared, monkeypatch):
    for solver in ("solve", "solve_nudge"):  # they know no devices: all models share them
        monkeypatch.setattr(_simulated, solver, _compiled(getattr(_simulated, solver)))
    first = {"iris": 0.17485755, "breast_cancer": 0.12220563}  # same conductances for all models
    curves = {p.stem for p in (shared / "reference" / "curves").glob("*.csv")}
    files = sorted((shared / "reference" / "ebana_configs").glob("*.json"))
    others = [p for p in files if p.stem not in curves]  # test_curves.py runs the rest in full
    assert len(others) == 20
    for path in others:
        spec = load_spec(path, ["learning.epochs=2"]).spec
        with jax.disable_jit():  # one compilation per operation, shared by all, not one per file
            records = run_job(build(spec)).records
        assert records["passed"].all(), path.stem
        assert np.all(np.isfinite(records["loss"])), path.stem
        assert records["loss"][0] == pytest.approx(first[str(spec.data.dataset)], rel=1e-6)
        assert records["loss"][1] != records["loss"][0], path.stem
