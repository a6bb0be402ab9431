"""Jobs: what a loss can learn from, and the two readings of the seed's experiments."""

import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.experiments import build, load_spec

NAME = "ebana-iris-biolek-pwm"


def job_of(name: str, *sets: str):
    return build(load_spec(name, list(sets)).spec)


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (["data.dataset=xor", "learning.loss=cross_entropy"], "found one output for xor"),
        (["data.dataset=full_adder", "learning.loss=cross_entropy"], "found a code of bits"),
        (["data.target_shift=0.5", "learning.loss=bce"], "found every target above 0 V"),
        (["data.target_shift=0.5", "learning.loss=cross_entropy"], "found every target above 0 V"),
        (["data.target_shift=-1", "learning.loss=bce"], "found no target above 0 V"),
    ],
)
def test_a_loss_without_a_minimum_is_refused(sets, words):
    with pytest.raises(BadInput, match=words):
        job_of(NAME, *sets)


@pytest.mark.parametrize(
    "sets",
    [
        ["data.dataset=xor", "data.one_hot=true", "learning.loss=cross_entropy"],
        ["data.dataset=full_adder", "learning.loss=bce"],
        ["learning.loss=cross_entropy"],
        ["data.target_shift=0.5"],
    ],
)
def test_a_loss_with_a_minimum_is_built(sets):
    assert job_of(NAME, *sets)


@pytest.mark.parametrize(("dataset", "rows"), [("iris", 150), ("breast_cancer", 569)])
def test_the_paper_s_reading(dataset, rows):
    job = job_of(f"seed-{dataset}-biolek-pwm")
    features = job.data.inputs.shape[1]
    assert len(job.data.inputs) == rows and not len(job.data.test_inputs)
    network = job.trainer.network
    assert [np.asarray(bias).tolist() for bias in network.bias] == [[0.5], []]
    hidden, outputs = {"iris": (10, 3), "breast_cancer": (16, 2)}[dataset]
    assert network.shapes == ((2 * features + 1, hidden), (hidden, 2 * outputs))
    uniform = np.random.RandomState(111)
    for g, shape in zip(job.initial, network.shapes, strict=True):
        np.testing.assert_allclose(1 / g, 100 + (1e5 - 100) * uniform.uniform(size=shape))


def test_the_code_s_reading():
    job = job_of(NAME)
    assert len(job.data.inputs) == 105
    assert [np.asarray(bias).tolist() for bias in job.trainer.network.bias] == [[1.0, -1.0]] * 2
    uniform = np.random.RandomState(111)
    for g in job.initial:
        np.testing.assert_allclose(g, 1e-5 + (8e-4 - 1e-5) * uniform.uniform(size=g.shape))


@pytest.mark.parametrize("name", [NAME, "ebana"])
def test_the_seed_of_the_run_changes_the_initial_values(name, shared):
    if name == "ebana":
        name = str(shared / "reference" / "ebana_configs" / "pwm_iris_biolek.json")
    first, other = job_of(name), job_of(name, "seed=5")
    assert not np.array_equal(first.initial[0], other.initial[0])
    by_flag = build(load_spec(name, seed=5).spec)
    assert by_flag.spec == other.spec
    np.testing.assert_array_equal(by_flag.initial[0], other.initial[0])
    kept = job_of(name, "seed=5", "initial.seed=111")
    np.testing.assert_array_equal(kept.initial[0], first.initial[0])
