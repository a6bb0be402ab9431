"""A few epochs of every kind of spec: finite losses, and every equilibrium certified."""

import jax
import numpy as np
import pytest

from ohmprop.experiments import build, load_spec, run_job

BASE = ["data.rows=60", "learning.epochs=3", "learning.estimator=centred", "learning.proxy=false"]
OPERATIONS = {  # these run operation by operation, sharing what is compiled for each
    "clamp": ["network.diode={kind: clamp, lower: -0.1, upper: 0.1}"],
    "cross_entropy": ["learning.loss=cross_entropy"],
    "ideal": ["write.scheme=ideal", "learning.rates=1e-5", "learning.optimiser=adam"],
} | {
    model: [f"device={{model: {model}, params: published}}", "initial={}"]
    for model in ("vteam", "yakopcic", "biolek")
}
COMPILED = {
    "two layers": ["network.hidden=[6, 5]"],
    "shockley": ["network.diode={kind: shockley, i_s: 1e-7, n: 1}"],
    "mini-batch": ["learning.batch_size=16"],
}


def records(*sets: str) -> dict[str, np.ndarray]:
    return run_job(build(load_spec("ebana-iris-biolek-pwm", [*BASE, *sets]).spec)).records


def assert_sound(found: dict[str, np.ndarray], rtol: float) -> None:
    assert found["loss"].shape == (3,)
    assert np.all(np.isfinite(found["loss"])) and found["passed"].all()
    assert 0 < found["kcl_residual"].max() < 1e-3 * rtol
    assert found["kcl_relative"].max() < rtol
    assert found["loss"][-1] != found["loss"][0]  # it was written to


@pytest.mark.parametrize("kind", OPERATIONS)
def test_other_laws(kind):
    with jax.disable_jit():
        found = records(*OPERATIONS[kind])
    assert_sound(found, 1e-10)
    if kind == "clamp":
        assert found["diode_on_fraction"].min() > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", COMPILED)
def test_other_programs(kind):
    found = records(*COMPILED[kind])
    assert_sound(found, 1e-10)


def test_float32_is_close_to_float64():
    single, double = records("dtype=float32"), records()
    assert single["loss"].dtype == np.float32 and double["loss"].dtype == np.float64
    assert_sound(double, 1e-10)
    assert_sound(single, 1e-4)
    np.testing.assert_allclose(single["loss"], double["loss"], rtol=1e-5)
