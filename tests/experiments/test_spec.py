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
