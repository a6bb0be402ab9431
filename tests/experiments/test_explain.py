"""A failed epoch is located: sample, phase, layer and node; the good epochs before it are kept."""

import re

import jax
import numpy as np
import pytest

from ohmprop._core import CertificateError
from ohmprop.experiments import _run as running
from ohmprop.experiments import build, load_spec, run_job
from ohmprop.experiments._explain import explain

SMALL = ["data.rows=60", "learning.epochs=50"]
# a diode of 1e-12 ohm: once it conducts, node voltages lack the digits for its current
FAILS = [*SMALL, "network.diode.r_on=1e-12"]


def job_of(*sets: str):
    return build(load_spec("ebana-iris-biolek-pwm", list(sets)).spec)


@pytest.mark.slow
def test_good_epochs_of_the_failing_chunk_are_kept_with_their_bits():
    job, kept = job_of(*FAILS), []
    assert running.chunk_length(job) == 50
    with pytest.raises(CertificateError) as caught:
        run_job(job, keep=kept.append)
    epoch, good = map(int, re.findall(r"epoch (\d+)", str(caught.value)))
    end = kept[-1]
    assert epoch == good + 1 > 1 and end.epoch == good == len(end.records["loss"])
    words = r"sample \d+ did .* KCL residual \S+ A .* layer 0, node \d\. Try"
    assert re.search(words, str(caught.value))
    whole, records = job.trainer.run(
        job.trainer.init(job.initial, seed=0), job.data.inputs, job.data.targets, epochs=good
    )
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(end.state), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(records["loss"], end.records["loss"])
    with pytest.raises(CertificateError) as again:  # resumed, it fails where it failed
        run_job(job, start=end)
    assert str(again.value) == str(caught.value)


def test_the_sample_of_a_mini_batch_is_its_row():
    job = job_of(*SMALL, "learning.batch_size=30")
    inputs = job.data.inputs.copy()
    inputs[[41, 44]] = np.nan
    state = job.trainer.init(job.initial, seed=0)
    message = explain(job.trainer, state, inputs, job.data.targets)
    assert message.startswith("epoch 1 failed (good up to epoch 0): sample 41 did not settle")
    assert "without a nudge" in message


def test_a_failed_nudge_is_told_from_a_failed_free_phase():
    job = job_of(*SMALL, "learning.batch_size=30")
    targets = job.data.targets.copy()
    targets[13] = np.inf  # the free phase does not see targets
    state = job.trainer.init(job.initial, seed=0)
    message = explain(job.trainer, state, job.data.inputs, targets)
    assert "sample 13 did not settle when nudged" in message


def test_a_loss_that_is_not_finite_is_said_to_be():
    job = job_of(*SMALL, "learning.batch_size=30")
    state = job.trainer.init(job.initial, seed=0)
    message = explain(job.trainer, state, job.data.inputs, job.data.targets)
    assert "every network settled, but the loss is not finite" in message
