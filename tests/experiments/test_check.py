"""`check` asks ngspice about the nudges the spec's own estimator applies."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop._core import VerificationError
from ohmprop.equilibrium import ConstantNudge, nudge, solve
from ohmprop.experiments import build, check, load_spec
from ohmprop.experiments._check import compare, judge
from ohmprop.experiments._spec import LearningSpec

SETS = ["data.rows=60", "learning.estimator=positive", "learning.beta=1e-4"]
settle = eqx.filter_jit(solve)
push = eqx.filter_jit(nudge)


@pytest.mark.parametrize("kind", ["constant", "cost"])
def test_nudging_currents_are_those_of_the_spec(monkeypatch, kind):
    spec = load_spec("ebana-iris-biolek-pwm", [*SETS, f"learning.nudge={kind}"]).spec
    job, seen = build(spec), []
    targets = jnp.asarray(job.data.targets[:32])

    def ngspice(network, conductances, inputs, currents=None):
        """What ngspice would find, by our own solver under constant currents."""
        g, x = tuple(map(jnp.asarray, conductances)), jnp.asarray(inputs)
        settled = settle(network, g, x)
        if currents is not None:
            settled = push(network, g, x, settled, ConstantNudge(jnp.asarray(currents[-1])))
            seen.append((currents[-1], settled.voltages[-1]))
        return settled.voltages

    monkeypatch.setattr("ohmprop.spice.available", lambda: True)
    monkeypatch.setattr("ohmprop.spice.operating_points", ngspice)
    lines = check(spec)
    assert [line.split(":")[0] for line in lines[-2:]] == ["ngspice, free", "ngspice, nudge 1"]
    network, loss = job.trainer.network, job.trainer.loss
    free = settle(network, tuple(map(jnp.asarray, job.initial)), jnp.asarray(job.data.inputs[:32]))
    ((current, voltages),) = seen
    at = voltages if kind == "cost" else free.voltages[-1]
    expected = network.output_currents(-1e-4 * loss.slope(network.predict(at), targets))
    np.testing.assert_allclose(current, expected, rtol=1e-9, atol=1e-18)


def test_an_estimator_far_from_the_exact_gradient_fails_after_its_table(monkeypatch):
    monkeypatch.setattr("ohmprop.spice.available", lambda: False)
    spec, said = load_spec("ebana-iris-biolek-pwm", [*SETS, "learning.beta=1"]).spec, []
    with pytest.raises(VerificationError, match=r"crossbar 2 \(cosine -0\.\d+\).* below 1 or") as e:
        check(spec, said.append)
    assert "learning.estimator=centred" in str(e.value) and "learning.nudge=cost" in str(e.value)
    assert [line.split(":")[0].strip() for line in said[1:3]] == ["crossbar 1", "crossbar 2"]


ONE = np.ones((3, 2))


@pytest.mark.parametrize("proxy", [False, True])
@pytest.mark.parametrize(
    ("mine", "oracle", "wrong"),
    [
        ((ONE, -ONE), (ONE, ONE), "crossbar 2 (cosine -1.000)"),
        ((0 * ONE, ONE), (ONE, ONE), "crossbar 1 (cosine 0.000)"),
        ((ONE, np.nan * ONE), (ONE, ONE), "crossbar 2 (cosine nan)"),
        ((ONE, 1e-20 * ONE), (ONE, 0 * ONE), ""),  # nothing to agree with
    ],
)
def test_verdict(proxy, mine, oracle, wrong):
    lines = judge(LearningSpec(proxy=proxy, estimator="centred"), mine, oracle)
    if not wrong:
        assert len(list(lines)) == 3 + proxy
        return
    with pytest.raises(VerificationError) as caught:
        list(lines)
    assert f"gradient in {wrong}; expected a cosine of at least 0.9. Try" in str(caught.value)
    assert "learning.estimator=centred" not in str(caught.value)  # it is that already


def test_cosine_of_nothing():
    zero, one = np.zeros(2), np.ones(2)
    assert compare(zero, zero)[0] == 1
    assert compare(zero, one)[0] == compare(one, zero)[0] == 0
