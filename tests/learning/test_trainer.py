"""The trainer: it learns, it is reproducible, and it refuses unsettled networks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop._core import BadInput, CertificateError
from ohmprop.circuit import Amplifier, Network, PiecewiseLinearDiode
from ohmprop.devices import make
from ohmprop.drive import PWM, Ideal
from ohmprop.learning import Estimator, Trainer, make_estimator, make_loss, make_optimiser

XOR = jnp.asarray([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])
XOR_TARGETS = jnp.asarray([[-0.1], [0.1], [0.1], [-0.1]])


def trainer(batch_size=None, outputs=1, rates=1e-4, model="linear", **changes):
    network = Network(
        features=2, hidden=(10,), outputs=outputs,
        bias=(jnp.asarray([0.5, -0.5]),) * 2,
        diodes=(PiecewiseLinearDiode(v_th=0.1),), amplifiers=(Amplifier(4.0),),
    )  # fmt: skip
    parts = {
        "loss": make_loss("mse"), "estimator": make_estimator("centred", 1e-5),
        "optimiser": make_optimiser("adam"), "policy": Ideal(),
    } | changes  # fmt: skip
    devices = (make(model),) * 2
    return Trainer(network, devices, rates=(rates,) * 2, batch_size=batch_size, **parts)


def start(t, seed=0):
    rng = np.random.default_rng(seed)
    g = tuple(jnp.asarray(rng.uniform(1e-3, 5e-3, s)) for s in t.network.shapes)
    return t.init(g, seed)


@pytest.mark.parametrize("batch_size", [None, 2, 1], ids=["full", "mini", "per-sample"])
def test_xor_is_learnt(batch_size):
    t = trainer(batch_size, rates=2e-4)
    state = start(t)
    after, records = t.run(state, XOR, XOR_TARGETS, 100)
    measured = t.evaluate(after, XOR, XOR_TARGETS)
    assert records["loss"].shape == (100,) and records["passed"].all()
    assert measured["loss"] < 0.3 * records["loss"][0]
    assert measured["accuracy"] == 1.0
    assert after.epoch == 100
    assert measured["nudge_max"].shape == (2,) and (measured["nudge_max"] > 0).all()


def test_same_seed_same_bits():
    t = trainer(2, estimator=make_estimator("random_sign", 1e-5), model="linear_ion_drift",
                policy=PWM(1.0), optimiser=make_optimiser("sgd"), rates=1e-3)  # fmt: skip
    runs = [t.run(start(t)._replace(key=jax.random.PRNGKey(s)), XOR, XOR_TARGETS, 5)
            for s in (7, 7, 8)]  # fmt: skip
    same, again, other = (jax.tree.leaves((s.device, r)) for s, r in runs)
    assert all(np.array_equal(a, b) for a, b in zip(same, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(same, other, strict=True))
    assert (runs[0][1]["write_energy"] > 0).all()


def test_epochs_resume():
    t = trainer(3)  # one sample is left over in each epoch
    state = start(t)
    whole, records = t.run(state, XOR, XOR_TARGETS, 4)
    half, first = t.run(state, XOR, XOR_TARGETS, 2)
    half, second = t.run(half, XOR, XOR_TARGETS, 2)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(half), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(records["loss"], np.append(first["loss"], second["loss"]))


def test_one_ideal_sgd_step_is_gradient_descent():
    t = trainer(optimiser=make_optimiser("sgd"), rates=1e-7, estimator=make_estimator("exact"))
    state = start(t)
    after, records = t.run(state, XOR, XOR_TARGETS, 1)
    gradient = eqx.filter_jit(t.estimator)(
        t.bench, t.loss, state.device, XOR, XOR_TARGETS, state.key
    ).gradient
    for before, moved, slope in zip(state.device, after.device, gradient, strict=True):
        np.testing.assert_allclose(before - moved, 1e-7 * slope, rtol=1e-6, atol=1e-16)
    assert records["write_energy"][0] == 0


def test_multilabel_counts_samples_with_all_signs_right():
    targets = jnp.asarray([[0.1, 0.1], [-0.1, -0.1], [0.1, -0.1], [-0.1, 0.1]])
    t = trainer(outputs=2, multilabel=True)
    state = start(t)
    y = t.predict(t.conductances(state), XOR)
    measured = t.evaluate(state, XOR, targets)
    np.testing.assert_allclose(measured["loss"], t.loss.report(y, targets), rtol=1e-12)
    signs = np.where(y > 0, 0.1, -0.1)
    signs[0, 0] *= -1
    assert t.evaluate(state, XOR, jnp.asarray(signs))["accuracy"] == 0.75
    wanted = np.mean(((y > 0) == (np.asarray(targets) > 0)).all(1))
    assert measured["accuracy"] == wanted


def test_failed_certificates_raise():
    t = trainer()
    state = start(t)
    broken = XOR.at[2, 0].set(jnp.nan)
    with pytest.raises(CertificateError, match="sample 2"):
        t.run(state, broken, XOR_TARGETS, 2)
    with pytest.raises(CertificateError):
        t.predict(t.conductances(state), broken)


class Unsettled(Estimator):
    """Reports that a nudged state did not settle."""

    def __call__(self, *args):
        return super().__call__(*args)._replace(passed=jnp.asarray(False))


def test_a_failed_nudge_raises_although_the_free_states_settle():
    t = trainer(estimator=Unsettled("exact"))
    with pytest.raises(CertificateError, match="epoch 0"):
        t.run(start(t), XOR, XOR_TARGETS, 1)


def test_one_device_and_one_rate_per_crossbar():
    t = trainer()
    with pytest.raises(BadInput, match="rates"):
        Trainer(t.network, t.devices, t.loss, t.estimator, t.optimiser, t.policy, (1.0,))
    with pytest.raises(BadInput, match="devices"):
        Trainer(t.network, t.devices[:1], t.loss, t.estimator, t.optimiser, t.policy, (1.0, 1.0))


@pytest.mark.parametrize("name", ["centred", "four_point", "exact"])
def test_nudge_response_is_the_one_to_beta(name):
    """In a linear network all estimators report the same change of the drops, in volts."""
    network = trainer().network
    t = trainer(estimator=make_estimator("positive", 1e-5))
    measured, reference = (
        run.evaluate(start(run), 0.01 * XOR, XOR_TARGETS)
        for run in (trainer(estimator=make_estimator(name, 1e-5)), t)
    )
    assert measured["diode_on_fraction"] == 0 and len(network.shapes) == 2
    for key in ("nudge_median", "nudge_max"):
        np.testing.assert_allclose(measured[key], reference[key], rtol=1e-6)


def test_weight_decay_acts_on_conductances():
    """AdamW's step less Adam's is the decay times the conductance, whatever the state's unit."""
    ends = []
    for options in ({"name": "adam"}, {"name": "adamw", "weight_decay": 0.1}):
        t = trainer(optimiser=make_optimiser(**options), model="linear_ion_drift", rates=1e-3)
        first = start(t)
        ends.append(t.conductances(t.run(first, XOR, XOR_TARGETS, 1)[0]))
        before = t.conductances(first)
    for plain, decayed, g in zip(*ends, before, strict=True):
        inside = (decayed > 2e-5) & (plain < 9e-3)
        assert inside.any()
        np.testing.assert_allclose((plain - decayed)[inside], 1e-4 * g[inside], rtol=1e-6)
