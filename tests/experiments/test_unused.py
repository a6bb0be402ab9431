"""A note for each key that the user gives and the run ignores, and none for anything else."""

import pytest

from ohmprop.experiments import builtin_names, dump, load_spec

NAME = "ebana-iris-biolek-pwm"


@pytest.mark.parametrize(
    ("sets", "ignored"),
    [
        (["write.scheme=pam", "write.amplitude=1"], {"write.amplitude"}),
        (["write={scheme: ideal, amplitude: 2, frequency: 1e3}"],
         {"write.amplitude", "write.frequency"}),
        (["write.frequency=1e3"], {"write.frequency"}),
        (["learning.logit_scale=0.2"], {"learning.logit_scale"}),
        (["learning.logit_scale=0.2", "learning.loss=bce"], set()),
        (["learning.estimator=exact", "learning.nudge=cost", "learning.beta=1e-5"],
         {"learning.nudge"}),  # with the built-in's proxy, beta scales the signal
        (["learning.estimator=exact", "learning.proxy=false", "learning.beta=1e-5"],
         {"learning.beta"}),
        (["network.diode={kind: clamp, v_th: 0.2, lower: -0.2}"], {"network.diode.v_th"}),
        (["network.diode={kind: shockley, r_on: 2, i_s: 1e-6}"], {"network.diode.r_on"}),
        (["network.diode.kind=none", "network.diode.sides=upper"], {"network.diode.sides"}),
        (["network.diode.i_s=1 uA"], {"network.diode.i_s"}),
        (["data.split_seed=3"], {"data.split_seed"}),
        (["data.split_seed=3", "data.test_fraction=0.2"], set()),
        (["write.amplitude=2", "learning.beta=1e-5", "learning.nudge=cost"], set()),
        (["write.scheme=ideal"], set()),  # the built-in's own amplitude is nobody's choice
    ],
)  # fmt: skip
def test_ignored_keys_are_told(sets, ignored):
    notes = load_spec(NAME, sets).notes
    assert {note.partition(" has no effect: ")[0] for note in notes} == ignored
    assert len(notes) == len(ignored)


def test_the_note_says_why():
    (note,) = load_spec(NAME, ["write.scheme=pam", "write.amplitude=2"]).notes
    assert note == "write.amplitude has no effect: write.scheme is pam"


def test_keys_of_a_file_count_as_given(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("data: {dataset: iris}\nwrite: {scheme: pam, amplitude: 1}\n", encoding="utf-8")
    assert load_spec(path).notes == ["write.amplitude has no effect: write.scheme is pam"]


def test_built_in_specs_and_what_a_run_leaves_are_read_without_notes(tmp_path):
    for name in builtin_names(variants=False)[::5]:
        spec, notes = load_spec(name, ["write.scheme=pwm", "network.diode.kind=none"])
        assert notes == []
        (tmp_path / "spec.yaml").write_text(dump(spec), encoding="utf-8")
        assert load_spec(tmp_path / "spec.yaml").notes == []
    again = load_spec(tmp_path / "spec.yaml", ["network.diode.v_th=0.1"])
    assert again.notes == ["network.diode.v_th has no effect: network.diode.kind is none"]
