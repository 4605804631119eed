"""One self-contained HTML page about a run: no outside resources, pictures inside."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from lcjax import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title><style>
body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;color:#2c333b;background:#f6f7f9;margin:0}
main{max-width:960px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;margin:.2em 0;letter-spacing:-.01em}
h2{font-size:18px;margin:2em 0 .6em}
p{max-width:72ch}
p.lead{color:#5a636e;margin:.2em 0 1.4em}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px}
.card,figure,.table{background:#fff;border:1px solid #e3e6ea;border-radius:10px}
.card{padding:12px 16px}
.card b{display:block;font-size:23px;color:#3566a8;font-weight:600;font-variant-numeric:tabular-nums}
.card span{display:block;color:#5a636e;font-size:13px;line-height:1.35}
figure{margin:0 0 12px;padding:14px}
figure img{width:100%;height:auto;display:block}
figcaption{color:#5a636e;font-size:13.5px;margin-top:8px}
.table{overflow-x:auto;margin:0 0 12px}
table{border-collapse:collapse;font-size:14px;width:100%}
th,td{text-align:left;padding:7px 14px;border-bottom:1px solid #eef0f3}
tr:last-child td{border-bottom:0}
th{color:#5a636e;font-weight:600;background:#fafbfc}
td{font-variant-numeric:tabular-nums}
pre{background:#20262d;color:#e8ebee;border-radius:10px;padding:14px 16px;overflow:auto;font-size:13.5px}
details{margin:0 0 10px}
summary{cursor:pointer;color:#3566a8;margin-bottom:8px}
@media print{body{background:#fff}pre{color:#2c333b;background:#f6f7f9}}
</style></head><body><main>
<h1>$title</h1><p class="lead">$lead</p>
<div class="cards">$cards</div>
$sections
</main></body></html>
""")


def picture(figure: "Figure", caption: str) -> str:
    """A matplotlib figure as an HTML figure with the PNG inside."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=140)
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    text = html.escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An HTML table."""
    cells = lambda tag, row: "".join(f"<{tag}>{html.escape(str(value))}</{tag}>" for value in row)
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', header)}</tr></thead>"
    return f'<div class="table"><table>{head}<tbody>{body}</tbody></table></div>'


def section(title: str, *parts: str) -> str:
    """A headed part of the page."""
    return f"<h2>{html.escape(title)}</h2>" + "\n".join(parts)


def paragraph(text: str) -> str:
    """Plain text."""
    return f"<p>{html.escape(text)}</p>"


def commands(text: str) -> str:
    """A block of shell commands."""
    return f"<pre>{html.escape(text.strip())}</pre>"


def folded(title: str, inner: str) -> str:
    """Something shown on demand."""
    return f"<details><summary>{html.escape(title)}</summary>{inner}</details>"


def write_page(
    path: Path,
    title: str,
    lead: str,
    cards: Sequence[tuple[str, str]],
    sections: Sequence[str],
    advice: str = files.ROOM,
) -> Path:
    """Writes the page.

    Args:
      cards: (big number, what it is) pairs of the head. advice: what to do where it cannot be written.
    """
    shown = "".join(f'<div class="card"><b>{html.escape(a)}</b><span>{html.escape(b)}</span></div>' for a, b in cards)
    text = PAGE.substitute(title=html.escape(title), lead=html.escape(lead), cards=shown, sections="\n".join(sections))
    files.write_text(path, text, advice)
    return path
