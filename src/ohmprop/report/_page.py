"""One HTML page that needs nothing else: text, tables and pictures in a single file."""

import base64
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ohmprop._core import BadInput

VERDICTS = {"holds": "good", "does not hold": "bad", "holds only as run": "partly"}
_SIGNS = {"good": "✓", "bad": "✗", "partly": "◐"}  # legible without the colours of the style
_NO_VALUE = ("–", False)  # as a cell
_NUMBER = ' class="number"'
_PNG = b"\x89PNG\r\n\x1a\n"
_STYLE = """\
body { margin: 0; background: #fff; color: #1a1a1a;
  overflow-wrap: break-word; font: 1rem/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1, h2 { line-height: 1.25; color: #0b2f5a; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #c8ced6; }
h1, p, nav { max-width: 46rem; }
nav { padding: .2rem 1rem; border-left: .25rem solid #c8ced6; }
figure { margin: 1.5rem 0; }
img { display: block; max-width: 100%; height: auto; }
figcaption, caption { color: #444; font-size: .92rem; padding: .4rem 0; text-align: left; }
figcaption { max-width: 60rem; }
.quote { padding-left: 1rem; border-left: .25rem solid #d1601f; }
blockquote { margin: 0; font-family: Georgia, serif; }
.scroll { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; font-size: .94rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #c8ced6; text-align: left; }
td { vertical-align: top; }
th { border-bottom: 2px solid #7a7a7a; vertical-align: bottom; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number, .mark { white-space: nowrap; }
.good { color: #1d6b3a; } .bad { color: #a8201a; } .partly { color: #7d5200; }
@media (max-width: 40rem) { main { padding: .8rem; } th, td { padding: .25rem .45rem; } }
@media print {
  main { max-width: none; padding: 0; }
  figure, tr { break-inside: avoid; }
  h2, caption { break-after: avoid; }
  img { max-height: 20cm; width: auto; }
  .scroll { overflow: visible; }
}
"""


class Page:
    """A page in English, filled from top to bottom and then written.

    All text is plain: what looks like markup is shown, not obeyed. Equal calls give equal bytes,
    and nothing is loaded from elsewhere.

        >>> page = Page("Curves & loops")
        >>> page.heading("What was found")
        >>> page.table(["model", "loss"], [["Biolek", 0.123456]])
        >>> "<h1>Curves &amp; loops</h1>" in page.html() and ">0.1235</td>" in page.html()
        True
    """

    def __init__(self, title: str, lead: str = "") -> None:
        """`title` names the page; `lead` stands under it, before the table of contents."""
        self._title, self._lead = title, lead
        self._contents: dict[str, str] = {}
        self._body: list[str] = []

    def heading(self, text: str) -> None:
        """Begin a section; the table of contents links to it by an id made of its words."""
        words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"
        name, again = words, 2
        while name in self._contents:
            name, again = f"{words}-{again}", again + 1
        self._contents[name] = text
        self._body.append(f'<h2 id="{name}">{escape(text)}</h2>')

    def paragraph(self, text: str) -> None:
        """Add text; a blank line in it begins a new paragraph."""
        self._body.append(_paragraphs(text))

    def quote(self, text: str, source: str) -> None:
        """Add another's words, and where they stand."""
        self._body.append(
            f'<figure class="quote">\n<blockquote>\n{_paragraphs(text)}\n</blockquote>\n'
            f"<figcaption>{escape(source)}</figcaption>\n</figure>"
        )

    def picture(self, png: str | Path, caption: str, alt: str = "") -> None:
        """Embed a PNG as it is now; `alt`, or else the caption, is for those who cannot see it.

        Raises BadInput where the file is no PNG, and OSError where it cannot be read.
        """
        data = Path(png).read_bytes()
        if not data.startswith(_PNG):
            raise BadInput(f"{png} is not a PNG picture; a page embeds PNG only")
        self._body.append(
            f'<figure>\n<img src="data:image/png;base64,{base64.b64encode(data).decode()}"'
            f' alt="{escape(alt or caption)}">\n'
            f"<figcaption>{escape(caption)}</figcaption>\n</figure>"
        )

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        caption: str = "",
        *,
        marks: Mapping[str, str] = VERDICTS,
    ) -> None:
        """Add a table; it scrolls by itself where it is wider than the window.

        Numbers stand at the right, floats with four significant digits; NaN and None are shown as
        an en dash. A cell whose whole text is a key of `marks` gets the colour and the sign of its
        value: "good" ✓, "bad" ✗ or "partly" ◐. Raises BadInput for a row that does not have one
        cell for each column, and for another value of `marks`.
        """
        for text, kind in marks.items():
            if kind not in _SIGNS:
                raise BadInput(f"mark of {text!r} is {kind!r}; expected one of {', '.join(_SIGNS)}")
        table = [[_shown(value) for value in row] for row in rows]
        for k, row in enumerate(table, 1):
            if len(row) != len(columns):
                raise BadInput(f"row {k} has {len(row)} cells; expected {len(columns)}")
        heads = [
            _head(name, [row[k][1] for row in table if row[k] != _NO_VALUE])
            for k, name in enumerate(columns)
        ]
        lines = ["".join(_cell(*cell, marks) for cell in row) for row in table]
        label = escape(caption or "table")
        self._body += [
            f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">\n<table>',
            *([f"<caption>{label}</caption>"] if caption else []),
            f"<thead>\n<tr>{''.join(heads)}</tr>\n</thead>\n<tbody>",
            *(f"<tr>{line}</tr>" for line in lines),
            "</tbody>\n</table>\n</div>",
        ]

    def html(self) -> str:
        """The whole page so far."""
        title = escape(self._title)
        links = [f'<li><a href="#{k}">{escape(v)}</a></li>' for k, v in self._contents.items()]
        contents = '<nav aria-label="Contents">\n<ol>\n' + "\n".join(links) + "\n</ol>\n</nav>"
        parts = [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>",
            f"<body>\n<main>\n<h1>{title}</h1>",
            _paragraphs(self._lead),
            contents if self._contents else "",
            *self._body,
            "</main>\n</body>\n</html>\n",
        ]
        return "\n".join(parts)

    def write(self, path: str | Path) -> Path:
        """Write the page, whole or not at all; OSError where the folder is missing or closed."""
        path = Path(path)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_bytes(self.html().encode())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return path


def _paragraphs(text: str) -> str:
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(f"<p>{escape(part)}</p>" for part in parts if part)


def _shown(value: Any) -> tuple[str, bool]:
    """The text of a cell, and whether it is a number's."""
    if getattr(value, "ndim", None) == 0:  # a number of NumPy, JAX or xarray
        value = value.item()
    if value is None:
        return _NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no", False
    if isinstance(value, float):
        return _NO_VALUE[0] if math.isnan(value) else f"{value:.4g}", True
    return str(value), isinstance(value, int)


def _head(name: str, numbers: Sequence[bool]) -> str:
    number = _NUMBER if numbers and all(numbers) else ""  # over the numbers, where all are
    return f'<th scope="col"{number}>{escape(name)}</th>'


def _cell(text: str, number: bool, marks: Mapping[str, str]) -> str:
    kind = marks.get(text)
    if kind is not None:  # the sign is hidden from screen readers: the text beside it says it
        sign = f'<span aria-hidden="true">{_SIGNS[kind]}</span>'
        return f'<td><span class="mark {kind}">{sign} {escape(text)}</span></td>'
    return f"<td{_NUMBER if number else ''}>{escape(text)}</td>"
