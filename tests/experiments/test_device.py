"""Devices by name, set, file and change; device files in specs."""

import subprocess
import sys

import numpy as np
import pytest
import yaml

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.experiments import dump, load_device, load_spec
from ohmprop.experiments._device import make_device
from ohmprop.experiments._spec import _SEED_MODELS

NAME = "ebana-iris-biolek-pwm"
FILE = {"model": "vteam", "params": "published", "r_off": 5e3, "overrides": {"v_on": -0.7}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "device.yaml").write_text(yaml.safe_dump(FILE))
    return tmp_path


def test_default_sets_are_those_of_the_registry():
    for model in _SEED_MODELS:
        assert set(devices.MODELS[model].PARAMETERS) >= {"seed", "published"}
        assert devices.default_set(model) == "seed"
    for model in devices.MODELS:
        spec = load_spec({"data": {"dataset": "iris"}, "device": {"model": model}}).spec
        assert spec.device.params == devices.default_set(model)
        assert f"params: {spec.device.params}" in dump(spec)


def test_reading_a_built_in_spec_leaves_jax_alone():
    code = (
        "import sys; from ohmprop.experiments import load_spec; "
        f"load_spec({NAME!r}, ['device.params=published']); assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_device_by_set_and_changes():
    device = load_device("biolek", "published", ["r_off=10 kOhm", "d=20 nm", "p=2"])
    expected = devices.make("biolek", "published", r_off=1e4, d=20e-9, p=2.0)
    for name in ("r_on", "r_off", "d", "mu_v", "p"):
        assert float(getattr(device, name)) == pytest.approx(float(getattr(expected, name)), 1e-12)
    assert load_device("vteam", changes=["window=published"]).window == "published"  # pyright: ignore


def test_device_by_file(folder):
    device = load_device("vteam", str(folder / "device.yaml"), ["v_on=-800 mV"])
    assert float(device.r_off) == 5e3
    assert float(device.v_on) == pytest.approx(-0.8, 1e-12)  # pyright: ignore
    assert float(device.k_off) == 5e-4  # pyright: ignore


@pytest.mark.parametrize("file", ["device.yaml", "absolute"])
def test_spec_with_a_device_file_is_self_contained(folder, file):
    path = str(folder / "device.yaml") if file == "absolute" else file
    own = {"file": path, "r_on": "200 ohm", "overrides": {"k_off": 1e-3}}
    (folder / "run.yaml").write_text(
        yaml.safe_dump({"data": {"dataset": "iris"}, "device": own}), "utf-8"
    )
    spec = load_spec(folder / "run.yaml").spec
    assert spec.device.model_dump() == {
        "model": "vteam",
        "params": "published",
        "r_on": 200.0,
        "r_off": 5e3,
        "overrides": {"v_on": -0.7, "k_off": 1e-3},
    }
    (folder / "written.yaml").write_text(dump(spec))
    (folder / "device.yaml").unlink()
    assert load_spec(folder / "written.yaml").spec.device == spec.device


def test_file_by_assignment(folder):
    loaded = load_spec({"data": {"dataset": "iris"}}, [f"device.file={folder / 'device.yaml'}"])
    assert loaded.spec.device.overrides == {"v_on": -0.7}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["no such file", "device.yaml"]),
        ("[1, 2]", ["device.yaml", "expected a device", "a list"]),
        ("modl: biolek", ["device.yaml", "unknown key 'modl'", "'model'"]),
        ("model: [", ["device.yaml", "line"]),
        ("model: biolek\nparams: mine", ["device.params", "'mine'", "published, seed"]),
        ("model: biolk", ["device.model", "'biolek'"]),
    ],
)
def test_bad_files(tmp_path, text, words):
    if text is not None:
        (tmp_path / "device.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        load_spec({"data": {"dataset": "iris"}, "device": {"file": str(tmp_path / "device.yaml")}})
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("biolk",), ["model", "'biolek'"]),
        (("biolek", "mine"), ["'mine'", "published, seed"]),
        (("biolek", "missing.yaml"), ["missing.yaml", "no such file"]),
        (("biolek", None, ["d"]), ["d", "name=value"]),
        (("biolek", None, ["d=10 V"]), ["overrides", "in m", "'10 V'"]),
        (("biolek", None, ["mu=1"]), ["'mu'", "'mu_v'"]),
        (("biolek", None, ["r_on=-1"]), ["r_on", "-1"]),
    ],
)
def test_bad_devices(arguments, words):
    with pytest.raises(BadInput) as caught:
        load_device(*arguments)
    for word in words:
        assert word in str(caught.value)


def test_a_file_of_another_model_is_refused(folder):
    with pytest.raises(BadInput, match="'biolek'.*'vteam'"):
        load_device("biolek", str(folder / "device.yaml"))


def test_a_device_of_nodes_and_a_file_set_for_a_built_in_spec(tmp_path):
    """The file stands for the whole of the spec's device; lists of nodes pass."""
    path = tmp_path / "device.yaml"
    path.write_text("model: piecewise_step\noverrides: {nodes_up: [1.0, 0.6, 0.2]}\n")
    spec = load_spec("ebana-iris-linear-pwm", [f"device.file={path}", "device.r_off=20 kOhm"]).spec
    assert (spec.device.model, spec.device.r_off, spec.device.r_on) == ("piecewise_step", 2e4, None)
    np.testing.assert_allclose(make_device(spec.device).nodes_up, [1.0, 0.6, 0.2])  # pyright: ignore[reportAttributeAccessIssue]
