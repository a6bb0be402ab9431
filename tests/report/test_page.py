"""The HTML page: valid, whole in one file, safe with any text, the same each time."""

import base64
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.report import Page, new_figure, save_figure

VOID = {"meta", "img"}
NASTY = "<script>alert('1')</script> & \"two\" </td></title>"


class Reader(HTMLParser):
    """Elements with attributes and all the text inside them; fails where tags do not balance."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        element = (tag, {name: value or "" for name, value in attrs}, [])
        self.found.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert tag not in VOID and self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, _, text in self.open:
            text.append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(attrs, "".join(text)) for name, attrs, text in self.found if name == tag]

    def texts(self, tag: str) -> list[str]:
        return [text for _, text in self.all(tag)]


@pytest.fixture
def png(tmp_path) -> Path:
    figure = new_figure((1.0, 1.0))
    figure.add_subplot().plot([0, 1], [0, 1])
    return save_figure(figure, tmp_path / "line.png")


def full(png: Path) -> Page:
    page = Page("Figures", "What follows was computed.\n\nAll of it.")
    page.heading("Figure 4: diodes")
    page.paragraph("One.\n\nTwo,\nstill two.\n \nThree: see https://example.org.")
    page.quote("The ReLU exhibits a small leakage.", "Section 2.2.2")
    page.picture(png, "Current against voltage.", "a rising line")
    page.heading("Figure 4: diodes")
    page.table(["model", "loss", "verdict"], [["a", 0.5, "holds"], ["b", 1, None]], "Losses")
    return page


def cells(rows, **options) -> list[tuple[dict[str, str], str]]:
    rows = list(rows)
    page = Page("t")
    page.table([f"c{k}" for k in range(len(rows[0]))], rows, **options)
    return Reader(page.html()).all("td")


def test_a_page_is_valid_and_has_every_part_in_order(png):
    html = full(png).html()
    read = Reader(html)
    assert html.startswith("<!DOCTYPE html>\n") and html.endswith("</html>\n")
    assert read.all("html")[0][0] == {"lang": "en"} and {"charset": "utf-8"} in [
        attrs for attrs, _ in read.all("meta")
    ]
    assert read.texts("title") == read.texts("h1") == ["Figures"]
    assert read.texts("p") == [
        "What follows was computed.",
        "All of it.",
        "One.",
        "Two,\nstill two.",
        "Three: see https://example.org.",
        "The ReLU exhibits a small leakage.",
    ]
    assert read.texts("figcaption") == ["Section 2.2.2", "Current against voltage."]
    parts = [tag for tag, _, _ in read.found if tag in {"nav", "h2", "blockquote", "img", "table"}]
    assert parts == ["nav", "h2", "blockquote", "img", "h2", "table"]


def test_nothing_is_loaded_from_elsewhere(png):
    html = full(png).html()
    read = Reader(html)
    tags = {tag for tag, _, _ in read.found}
    assert not tags & {"script", "link", "iframe", "object", "base"}
    for _, attrs, _ in read.found:
        assert all(not v.startswith("http") and "://" not in v for v in attrs.values())
        assert attrs.get("src", "data:").startswith("data:")
        assert attrs.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import|http", read.texts("style")[0])


def test_text_that_looks_like_markup_is_shown_as_text(png):
    page = Page(NASTY, NASTY)
    page.heading(NASTY)
    page.paragraph(NASTY)
    page.quote(NASTY, NASTY)
    page.picture(png, NASTY, NASTY)
    page.picture(png, NASTY)
    page.table([NASTY], [[NASTY], [Path(NASTY)]], NASTY)
    page.table(["a"], [[NASTY]], marks={NASTY: "good"})
    html = page.html()
    assert "<script" not in html and "alert('1')" not in html
    read = Reader(html)
    assert read.texts("h1") == read.texts("title") == read.texts("h2") == read.texts("a") == [NASTY]
    assert read.texts("p") == [NASTY] * 3
    assert read.texts("figcaption") == [NASTY] * 3
    assert read.texts("caption") == [NASTY]
    assert read.texts("th") == [NASTY, "a"]
    assert read.texts("td") == [NASTY, str(Path(NASTY)), f"✓ {NASTY}"]
    assert [attrs["alt"] for attrs, _ in read.all("img")] == [NASTY, NASTY]
    assert read.all("div")[0][0]["aria-label"] == NASTY


def test_links_of_the_contents_lead_to_the_headings():
    page = Page("t")
    for text in ("Fig. 4", "Fig 4", "fig-4-2", "µΩ", "?", "Fig 4"):
        page.heading(text)
    read = Reader(page.html())
    ids = [attrs["id"] for attrs, _ in read.all("h2")]
    assert len(set(ids)) == 6 and all(re.fullmatch(r"[a-z0-9-]+", name) for name in ids)
    assert [attrs["href"] for attrs, _ in read.all("a")] == [f"#{name}" for name in ids]
    assert read.texts("a") == read.texts("h2")


def test_an_empty_page_has_its_title_alone():
    page = Page("t")
    page.paragraph(" \n\n")
    tags = [tag for tag, _, _ in Reader(page.html()).found]
    assert tags[tags.index("body") :] == ["body", "main", "h1"]


def test_an_embedded_picture_is_the_file_byte_for_byte(png):
    page = Page("t")
    page.picture(png, "A line", "rising")
    page.picture(str(png), "A line")
    kept = png.read_bytes()
    png.unlink()
    images = [attrs for attrs, _ in Reader(page.html()).all("img")]
    for image in images:
        kind, data = image["src"].split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data, validate=True) == kept
    assert [image["alt"] for image in images] == ["rising", "A line"]


def test_only_png_pictures_that_exist_are_embedded(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\xff\xd8\xff JPEG")
    page = Page("t")
    empty = page.html()
    with pytest.raises(BadInput, match=r"a\.png is not a PNG"):
        page.picture(tmp_path / "a.png", "A")
    with pytest.raises(FileNotFoundError):
        page.picture(tmp_path / "b.png", "B")
    assert page.html() == empty


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (0.123456, "0.1235", True),
        (-1234567.0, "-1.235e+06", True),
        (2.0, "2", True),
        (math.inf, "inf", True),
        (math.nan, "–", True),
        (123456, "123456", True),
        (np.float32(0.1), "0.1", True),
        (np.float64("nan"), "–", True),
        (np.array(0.98765), "0.9877", True),
        (np.int64(-7), "-7", True),
        (None, "–", False),
        (True, "yes", False),
        (np.bool_(False), "no", False),
        ("0.123456", "0.123456", False),
    ],
)
def test_numbers_stand_right_with_four_digits_and_the_rest_as_it_is(value, text, number):
    assert cells([[value]]) == [({"class": "number"} if number else {}, text)]


def test_the_head_of_a_column_stands_over_its_numbers():
    page = Page("t")
    rows = [["a", 1.0, None, None, 1], ["b", math.nan, 2, None, "c"]]
    page.table(["text", "float", "int", "none", "mixed"], rows)
    heads = Reader(page.html()).all("th")
    assert all(attrs["scope"] == "col" for attrs, _ in heads)
    assert [text for attrs, text in heads if attrs.get("class") == "number"] == ["float", "int"]


@pytest.mark.parametrize(
    ("text", "kind", "sign"),
    [
        ("holds", "good", "✓"),
        ("does not hold", "bad", "✗"),
        ("holds only as run", "partly", "◐"),
    ],
)
def test_a_verdict_has_a_colour_and_a_sign_beside_its_words(text, kind, sign):
    page = Page("t")
    page.table(["verdict", "remark"], [[text, f"it {text}"], [text.upper(), f"{text}."]])
    read = Reader(page.html())
    assert read.texts("td") == [f"{sign} {text}", f"it {text}", text.upper(), f"{text}."]
    outer, inner = read.all("span")
    assert outer[0] == {"class": f"mark {kind}"}
    assert inner == ({"aria-hidden": "true"}, sign)  # a screen reader says the words alone
    assert len(re.findall(rf"\.{kind} {{ color: #\w{{6}}; }}", read.texts("style")[0])) == 1


def test_other_words_can_be_marked():
    assert [text for _, text in cells([["passed", "holds"]], marks={"passed": "good"})] == [
        "✓ passed",
        "holds",
    ]
    with pytest.raises(BadInput, match="mark of 'passed' is 'green'; expected one of good, bad"):
        cells([["passed"]], marks={"passed": "green"})


def test_a_table_scrolls_alone_and_is_named():
    page = Page("t")
    page.table(["a"], iter([[1], [2]]), "Of ones")
    page.table(["a"], [])
    read = Reader(page.html())
    assert [attrs["aria-label"] for attrs, _ in read.all("div")] == ["Of ones", "table"]
    assert all(
        attrs["class"] == "scroll" and attrs["tabindex"] == "0" for attrs, _ in read.all("div")
    )
    assert read.texts("caption") == ["Of ones"]
    parts = [tag for tag, _, _ in read.found]
    one = ["div", "table", "caption", "thead", "tr", "th", "tbody", "tr", "td", "tr", "td"]
    assert parts[parts.index("div") :] == [*one, "div", "table", "thead", "tr", "th", "tbody"]


def test_a_row_must_have_a_cell_for_each_column():
    page = Page("t")
    with pytest.raises(BadInput, match="row 2 has 1 cells; expected 2"):
        page.table(["a", "b"], [[1, 2], [3]])
    assert not Reader(page.html()).all("div")


def test_equal_calls_write_equal_bytes(png, tmp_path):
    first = full(png).write(tmp_path / "a.html")
    page = full(png)
    assert first == tmp_path / "a.html"
    assert page.write(str(tmp_path / "b.html")).read_bytes() == first.read_bytes()
    assert page.write(tmp_path / "b.html").read_bytes() == page.html().encode()


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    page = Page("new")
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def refuse(*_):
        raise PermissionError("no")

    with monkeypatch.context() as patch:
        patch.setattr("ohmprop.report._page.os.replace", refuse)
        with pytest.raises(PermissionError):
            page.write(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    page.write(path)
    assert "<h1>new</h1>" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_missing_folder_is_an_error_and_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        Page("t").write(tmp_path / "none" / "report.html")
    assert not list(tmp_path.iterdir())
