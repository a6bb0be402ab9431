"""What a new user gets wrong: one clear line on stderr, exit code 2, nothing written."""

from pathlib import Path

import pytest

from ohmprop.cli import run

NAME = "ebana-iris-biolek-pwm"
ROWS = "".join(f"{k},{k % 3},{'u' if k < 10 else 'v'}\n" for k in range(20))
FILES = {
    "good.csv": "a,b,y\n" + ROWS,
    "headless.csv": ROWS,
    "nan.csv": "a,b,y\n1,nan,u\n2,2,v\n",
    "one.csv": "a,b,y\n1,2,u\n2,2,u\n",
    "empty.csv": "",
    "words.csv": "a,b,y\n1,red,u\n2,blue,v\n",
    "short.csv": "a,b,y\n1,2,u\n2,v\n",
    "quantity.csv": "a,y\n" + "".join(f"{k},{k / 7}\n" for k in range(30)),
    "other.csv": "c,d\n1,2\n",
    "broken.yaml": "data: {dataset: iris\nnetwork: 3\n",
    "twice.yaml": "data: {dataset: iris}\nseed: 1\nseed: 2\n",
    "nodata.yaml": "network: {hidden: [3]}\n",
    "old.yaml": "dataset: iris\n",
    "list.json": "[1, 2]",
    "damaged.json": '{"dataset": {"type": "Iris"}, "model": {"hidden_1_units": 10}}',
    "half.json": '{"model": {"weight_initializer": {}}}',
    "file": "x",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the files above and a finished run."""
    folder = tmp_path_factory.mktemp("mistakes")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "latin.csv").write_bytes("a,b,y\n1,2,é\n2,1,v\n".encode("latin-1"))
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "empty").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ohmprop.cli._commands.prepare_jax", lambda dtype="float64": None)
        done = str(folder / "done")
        assert run(["train", NAME, "--out", done, "--set", "learning.epochs=2"]) == 0
    return folder


def table(name: str, target: str = "y") -> list[str]:
    return [f"data.csv={name}", f"data.target={target}"]


SETS = {
    # what is set: words of the message
    ("data.dataset=irs",): "unknown dataset 'irs' Did you mean 'iris'",
    ("dta.dataset=iris",): "dta: unknown key. Did you mean 'data'",
    ("data.scal=1",): "data.scal: unknown key. Did you mean 'scale'",
    ("network.hiden=[3]",): "network.hiden: unknown key. Did you mean 'hidden'",
    ("network.diode.vth=1",): "network.diode.vth: unknown key. Did you mean 'v_th'",
    ("network.amplifier.gian=1",): "network.amplifier.gian Did you mean 'gain'",
    ("device.modl=x",): "device.modl: unknown key. Did you mean 'model'",
    ("device.overrides.mu=1",): "no parameter 'mu'. Did you mean 'mu_v'",
    ("initial.lo=1",): "initial.lo: unknown key. Did you mean 'low'",
    ("learning.rate=1",): "learning.rate: unknown key. Did you mean 'rates'",
    ("learning.optimiser={name: adam, b3: 1}",): "learning.optimiser b3",
    ("write.amp=1",): "write.amp: unknown key. Did you mean 'amplitude'",
    ("seeds=1",): "seeds: unknown key. Did you mean 'seed'",
    ("learning",): "--set learning: expected a.b=value",
    ("learning..beta=3",): "--set learning..beta=3: expected a.b=value",
    ("network.hidden.9=3",): "network.hidden.9 index below 1",
    ("learning=null",): "learning: expected a table",
    ("learning.epochs=",): "learning.epochs: expected a positive whole number",
    ("device.r_on=10 kV",): "device.r_on: expected a quantity in ohm '10 kV'",
    ("device.r_off=10",): "expected r_off above r_on",
    ("device.r_off=-5",): "device.r_off: expected a positive number in ohm, found -5",
    ("device.model=biolk",): "Did you mean 'biolek'",
    ("device.params=mine",): "device.params 'mine' published, seed",
    ("device.overrides={d: -1}",): "biolek d -1",
    ("network.hidden=[0]",): "network.hidden.0: expected a positive whole number",
    ("network.hidden=5",): "network.hidden: expected a list",
    ("network.bias=[[1]]",): "bias: expected one list of volts per crossbar, 2",
    ("network.diode.kind=shokley",): "Did you mean 'shockley'",
    ("network.diode.v_th=-1",): "network.diode.v_th: expected a number of at least 0 in V",
    ("network.diode.r_on=0",): "network.diode.r_on: expected a positive number",
    ("learning.epochs=0",): "learning.epochs: expected a positive whole number",
    ("learning.rates=[1, 2, 3]",): "learning.rates: expected one number, or one per crossbar (2)",
    ("learning.rates=0",): "learning.rates: expected positive",
    ("learning.batch_size=1000",): "learning.batch_size at most the 105 training rows",
    ("learning.beta=1 uA V",): "learning.beta: expected a quantity in S, found '1 uA V'",
    ("learning.rates=1 uS",): "learning.rates: expected a quantity in V s, found '1 uS'",
    ("device.overrides.d=1 s",): "device.overrides: d: expected a quantity in m, found '1 s'",
    ("learning.loss=cross_entropy", "data.dataset=xor", "learning.proxy=false"): (
        "learning.loss: cross_entropy expects one output a class, at least two, found one output"
    ),
    ("learning.loss=bce", "data.target_shift=0.5"): "data.target_shift -0.5 V",
    ("learning.optimiser=adm",): "Did you mean 'adam'",
    ("initial.low=1e-9",): "initial range [1e-05, 0.01] S",
    ("initial.seed=99999999999",): "initial.seed at most 4294967295",
    ("seed=-1",): "seed: expected a whole number of at least 0",
    ("dtype=float16",): "dtype 'float16' float32, float64",
    ("data.scale=nan",): "data.scale: expected a finite number in V",
    ("data.rows=20",): "only one class in the 20 training rows",
    ("data.one_hot=false",): "one_hot: False needs two classes",
    ("data.csv=good.csv",): "data: expected 'target'",
    ("data.target=y",): "target: only for CSV files",
    tuple(table("nowhere.csv")): "nowhere.csv: no such file",
    tuple(table("empty")): "cannot be read directory",
    tuple(table("good.csv", "z")): "no column 'z' Known: a, b, y",
    tuple(table("headless.csv")): "The first row must name the columns",
    tuple(table("nan.csv")): "NaN feature in row 1 (line 2)",
    tuple(table("one.csv")): "one class 'u'",
    tuple(table("empty.csv")): "expected a header row and data rows, found 0",
    tuple(table("latin.csv")): "not UTF-8 text",
    tuple(table("words.csv")): "column 'b': expected a finite number, found 'red'",
    tuple(table("short.csv")): "row 2 (line 3): expected 3 cells",
    tuple(table("quantity.csv")): "30 different labels a quantity rather than a class",
}
COMMANDS = {
    "train": "Missing argument 'SPEC'",
    f"train {NAME}": "Missing option '--out'",
    f"train {NAME} --out o --seed -1": "--seed greater than or equal to 0",
    f"train {NAME} --out o --ste a=1": "No such option: --ste",
    f"train {NAME} --out done": "done is not empty --resume --overwrite",
    f"train {NAME} --out done --resume --set learning.beta=2e-6": "another spec done",
    f"train {NAME} --out file": "file is a file; expected a folder",
    f"train {NAME} --out file/x": "file/x: cannot be written to",
    "train nope --out o": "neither a file nor a built-in spec 'nope'",
    "train nowhere.yaml --out o": "nowhere.yaml: no such file",
    "train done --out o": "done is a folder; expected a spec file spec.yaml",
    "train empty --out o": "empty is a folder; expected a spec file",
    "train good.csv --out o": "good.csv: expected a spec found text",
    "train list.json --out o": "list.json: expected a spec found a list",
    "train empty.csv --out o": "empty.csv: expected a spec found nothing",
    "train broken.yaml --out o": "broken.yaml, line 2: cannot be read as YAML",
    "train binary.yaml --out o": "binary.yaml: not UTF-8 text",
    "train twice.yaml --out o": "twice.yaml, line 3 the key 'seed' comes twice",
    "train nodata.yaml --out o": "data: this key is missing",
    "train old.yaml --out o": "dataset: unknown key. Did you mean 'data'",
    "train damaged.json --out o": "seed configuration: key 'weight_initializer' is missing",
    "train half.json --out o": "seed configuration: key 'dataset' is missing",
    "predict done other.csv": "other.csv: no column 'sepal length (cm)' Known: c, d",
    "predict done nowhere.csv": "nowhere.csv: no such file",
    "predict empty good.csv": "empty: no finished run here",
    "predict done": "Missing argument 'CSV'",
    "check nope": "neither a file nor a built-in spec 'nope'",
    "devices nope": "nope biolek",
    "nope": "No such command 'nope'",
}
CASES = [
    (["train", NAME, "--out", "o", *(part for s in sets for part in ("--set", s))], words)
    for sets, words in SETS.items()
] + [(command.split(" "), words) for command, words in COMMANDS.items()]


@pytest.mark.parametrize(("arguments", "words"), CASES, ids=[" ".join(a) for a, _ in CASES])
def test_one_clear_line(folder, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("ohmprop.cli._commands.prepare_jax", lambda dtype="float64": None)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    capsys.readouterr()
    assert run(arguments) == 2
    message = capsys.readouterr().err
    assert message.startswith("ohmprop: error: ") and message.count("\n") == 1
    assert "internal" not in message and "Error:" not in message
    place = 0
    for phrase in phrases(words, message):
        place = message.index(phrase, place)
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def phrases(words: str, message: str) -> list[str]:
    """`words` whole if it stands in the message so, else word by word, in that order."""
    return [words] if words in message else words.split(" ")
