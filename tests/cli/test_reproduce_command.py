"""The command reproduce: its options, what it says, and its mistakes."""

from pathlib import Path

import pytest

from ohmprop import __version__, paper
from ohmprop.cli import run
from ohmprop.experiments import State
from ohmprop.paper import Claim, Stage
from ohmprop.paper._claims import Finding


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("OHMPROP_CACHE", str(tmp_path_factory.getbasetemp() / "reproduce-cache"))


@pytest.fixture
def asked(monkeypatch) -> list[tuple[Path, dict]]:
    """What the command asks for; nothing is computed."""
    calls = []

    def stand_in(out: Path, *, progress, **options) -> list[Claim]:
        calls.append((out, options))
        progress(Stage(1, 17, "figures 4, 6, 8 and 9", None))
        progress(Stage(2, 17, "a question?", State(12, 0, 336, 12, 1.5)))
        met = [{"as run": True}, {"as run": True, "tuned": False}, {"as run": False}]
        return [
            Claim("4.2", "text", "criterion", {r: Finding("1", m) for r, m in findings.items()})
            for findings in [*met, {"tuned": True}]
        ]

    monkeypatch.setattr(paper, "reproduce", stand_in)
    return calls


def test_help_lists_every_option(capsys):
    assert run(["reproduce", "--help"]) == 0
    said = capsys.readouterr().out
    for option in ("--out", "--quick", "--resume", "--overwrite", "--workers"):
        assert option in said
    assert "report.html" in said


def test_it_says_how_far_it_is_what_was_found_and_where_the_report_lies(asked, tmp_path, capsys):
    out = tmp_path / "all"
    assert run(["reproduce", "--out", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "stage 1/17  figures 4, 6, 8 and 9",
        "stage 2/17  a question?, 12/336 cells",
        "4 statements judged: 2 holds, 1 holds only as run, 1 does not hold",
        f"report: {out / 'report.html'}",
    ]
    plain = {"quick": False, "resume": False, "overwrite": False, "workers": 2}
    assert asked == [(out, plain)]


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        (["--quick", "--resume"], {"quick": True, "resume": True}),
        (["--overwrite", "--workers", "5"], {"overwrite": True, "workers": 5}),
    ],
)
def test_options_are_handed_on(asked, tmp_path, arguments, changes):
    assert run(["reproduce", "--out", str(tmp_path / "x"), *arguments]) == 0
    ((_, options),) = asked
    assert options == {"quick": False, "resume": False, "overwrite": False, "workers": 2} | changes


@pytest.mark.parametrize(
    ("arguments", "held", "words"),
    [
        ([], {}, ["--out"]),
        (["--out", "x", "--workers", "0"], {}, ["--workers"]),
        (["--out", "x", "--quik"], {}, ["--quik"]),
        (["--out", "x", "--resume", "--overwrite"], {}, ["--resume", "--overwrite", "exclude"]),
        (["--out", "x"], {"x/notes.txt": "mine"}, ["x is not empty", "--resume", "--overwrite"]),
        (["--out", "x"], {"x": "a file"}, ["x is a file", "folder"]),
        (["--out", "x", "--resume"], {"x/reproduce.json": "{"}, ["reproduce.json", "cannot be"]),
        (
            ["--out", "x", "--resume"],
            {"x/reproduce.json": f'{{"version": "{__version__}", "quick": true}}'},
            ["quick", "True", "--overwrite"],
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_things_as_they_are(
    tmp_path, monkeypatch, capsys, arguments, held, words
):
    monkeypatch.chdir(tmp_path)
    for name, text in held.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    assert run(["reproduce", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.out == ""
    for word in words:
        assert word in said.err
    found = {str(p.relative_to(tmp_path)): p for p in tmp_path.rglob("*") if p.is_file()}
    assert {name: p.read_text(encoding="utf-8") for name, p in found.items()} == held


def test_an_interruption_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(paper, "reproduce", interrupted)
    assert run(["reproduce", "--out", str(tmp_path / "x")]) == 130
    assert "--resume" in capsys.readouterr().err
