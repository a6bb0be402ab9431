"""Specs: units, traps of YAML, and one clear line for every kind of mistake."""

import pytest

from ohmprop._core import BadInput
from ohmprop.experiments import builtin_names, dump, load_spec

NAME = "ebana-iris-biolek-pwm"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("learning.bta=3", ["learning.bta", "unknown key", "'beta'"]),
        ("learnig.beta=3", ["learnig", "'learning'"]),
        ("learning.beta=0", ["learning.beta", "positive", "found 0"]),
        ("learning.beta=3 V", ["learning.beta", "in S", "volt"]),
        ("learning.beta=three", ["learning.beta", "'three'"]),
        ("learning.beta=.nan", ["learning.beta", "finite"]),
        ("learning.beta=true", ["learning.beta", "number", "True"]),
        ("learning.epochs=2.5", ["learning.epochs", "whole", "2.5"]),
        ("learning.proxy=7", ["learning.proxy", "true or false"]),
        ("learning.estimator=centered", ["learning.estimator", "'centred'"]),
        ("learning.rates=[1, 2, 3]", ["learning.rates", "(2)", "found 3"]),
        ("learning.rates=-1", ["learning.rates", "positive"]),
        ("learning.rates=1 uS", ["learning.rates", "in V s", "'1 uS'"]),
        ("learning.rates=[1 nV s, 1 uS]", ["learning.rates", "in V s", "'1 uS'"]),
        ("network.diode.v_th=-0.1", ["network.diode.v_th", "at least 0", "-0.1"]),
        ("device.overrides.d=10 V", ["device.overrides", "d: expected", "in m", "'10 V'"]),
        ("device.overrides.d=thin", ["device.overrides", "d: expected", "'10 nm'", "'thin'"]),
        ("device.r_off=50", ["r_off above r_on", "50"]),
        ("network.hidden=10", ["network.hidden", "a list"]),
        ("network.hidden=[0]", ["network.hidden.0", "positive whole"]),
        ("network.bias=[[1], [1], [1]]", ["bias", "2", "found 3"]),
        ("network.diode=5", ["network.diode", "a table"]),
        ("network.diode.lower=1 V", ["network.diode", "lower < upper"]),
        ("write.scheme=pwn", ["write.scheme", "'pwm'"]),
        ("data.csv=x.csv", ["data", "target"]),
        ("data.test_fraction=1", ["test_fraction", "below 1"]),
        ("seed=-1", ["seed", "at least 0"]),
        ("name", ["--set name", "a.b=value"]),
        ("network.hidden.3=1", ["--set", "index"]),
        ("learning.beta=[1", ["--set learning.beta"]),
    ],
)
def test_mistakes_are_told_on_one_line(change, words):
    with pytest.raises(BadInput) as caught:
        load_spec(NAME, [change])
    message = str(caught.value)
    assert "\n" not in message and "pydantic" not in message
    for word in words:
        assert word in message


def test_units_and_numbers_as_text():
    spec = load_spec(
        NAME,
        ["device.r_off=10 kOhm", "learning.beta=2 uS", "network.diode.v_th=300 mV", "seed='7'"],
    ).spec
    assert spec.device.r_off == pytest.approx(1e4, rel=1e-15)
    assert spec.learning.beta == pytest.approx(2e-6, rel=1e-15)
    assert spec.network.diode.v_th == pytest.approx(0.3, rel=1e-15)
    assert spec.seed == 7


@pytest.mark.parametrize(
    ("model", "key", "text", "value"),
    [
        ("mms", "tau", "100 us", 1e-4),
        ("mms", "T", "300 K", 300.0),
        ("biolek", "d", "10 nm", 1e-8),
        ("biolek", "mu_v", "1e4 um^2/(V s)", 1e-8),
        ("biolek", "p", "2", 2.0),
        ("vteam", "k_on", "-10 nm/ns", -10.0),
        ("yakopcic", "b", "0.05 / V", 0.05),
    ],
)
def test_overrides_are_read_in_the_parameter_s_unit(model, key, text, value):
    spec = load_spec(NAME, [f"device.model={model}", f"device.overrides.{key}={text}"]).spec
    assert spec.device.overrides[key] == pytest.approx(value, rel=1e-12)


def test_options_among_the_overrides_stay_text():
    spec = load_spec(NAME, ["device.model=vteam", "device.overrides.window=published"]).spec
    assert spec.device.overrides == {"window": "published"}


def test_the_unit_of_the_rates_follows_the_scheme():
    assert load_spec(NAME, ["learning.rates=1e-8 V s"]).spec.learning.rates == 1e-8
    pair = load_spec(NAME, ["learning.rates=[10 nV s, 3e-8]"]).spec.learning.rates
    assert pair == pytest.approx([1e-8, 3e-8], rel=1e-12)
    ideal = ["write.scheme=ideal", "learning.rates=10 uS"]
    assert load_spec(NAME, ideal).spec.learning.rates == pytest.approx(1e-5, rel=1e-12)
    with pytest.raises(BadInput, match="in S, found '1e-8 V s'"):
        load_spec(NAME, ["write.scheme=ideal", "learning.rates=1e-8 V s"])


@pytest.mark.parametrize(
    ("loss", "fits", "other", "unit"),
    [
        ("mse", "1 uS", "1 uA V", "S"),
        ("bce", "1 uA V", "1 uS", "A V"),
        ("cross_entropy", "1 uA V", "1 uS", "A V"),
    ],
)
def test_the_unit_of_beta_follows_the_loss(loss, fits, other, unit):
    sets = [f"learning.loss={loss}"]
    beta = load_spec(NAME, [*sets, f"learning.beta={fits}"]).spec.learning.beta
    assert beta == pytest.approx(1e-6, rel=1e-12)
    assert load_spec(NAME, [*sets, "learning.beta=2e-6"]).spec.learning.beta == 2e-6
    with pytest.raises(BadInput, match=rf"^learning\.beta: expected a quantity in {unit}, found"):
        load_spec(NAME, [*sets, f"learning.beta={other}"])


def test_yaml_traps():
    spec = load_spec(NAME, ["learning.beta=1e-6", "network.diode.kind=off", "name=no"]).spec
    assert (spec.learning.beta, spec.network.diode.kind, spec.name) == (1e-6, "none", "no")


def test_built_in_specs_take_another_depth():
    spec = load_spec(NAME, ["network.hidden=[6, 5]"]).spec
    assert spec.network.bias_volts == [[1.0, -1.0]] * 3
    with pytest.raises(BadInput, match="bias: expected one list .* 3 .* found 2"):
        load_spec(NAME.replace("ebana", "seed"), ["network.hidden=[6, 5]"])  # has its own bias


def test_seed_is_one_seed_for_everything():
    spec = load_spec(NAME, seed=5).spec
    assert (spec.seed, spec.initial.seed, spec.data.split_seed) == (5, None, None)
    assert load_spec(NAME, ["seed=5"]).spec == spec
    assert load_spec(NAME, ["initial.seed=7", "seed=5"]).spec.initial.seed == 7


def test_dump_reads_back(tmp_path):
    for name in builtin_names(variants=False)[::5]:
        spec = load_spec(name).spec
        (tmp_path / "spec.yaml").write_text(dump(spec), encoding="utf-8")
        assert load_spec(tmp_path / "spec.yaml").spec == spec


def test_builtin_names_are_distinct_and_valid():
    names = builtin_names()
    assert len(names) == len(set(names)) == 2 * 2 * (1 + 3 * 4) * 7 * 2
    for name in names[::7]:
        assert load_spec(name).spec.name == name


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(BadInput, match="ebana-iris-biolek-pwm"):
        load_spec("ebana-irs-biolek-pwm")


def test_folder_as_spec(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="is a folder; expected a spec file$"):
        load_spec(tmp_path)
    (tmp_path / "spec.yaml").touch()
    with pytest.raises(BadInput, match=r"is a folder.*spec\.yaml in it"):
        load_spec(tmp_path)
    (tmp_path / NAME).mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_spec(NAME).spec.name == NAME  # a results folder may bear the spec's name


def test_missing_file_and_broken_yaml(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        load_spec(tmp_path / "nope.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1\nb: 2", encoding="utf-8")
    with pytest.raises(BadInput, match="line 2"):
        load_spec(broken)
