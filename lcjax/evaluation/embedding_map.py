"""A map of objects as one HTML page: zoom, move, point at an object, switch classes on and off. Nothing is loaded from elsewhere."""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

import numpy as np

from lcjax import files
from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.embedded import EmbeddedObjects
from lcjax.evaluation.projection import nearest_neighbour_accuracy

_ASKED = 3000
"""Labelled objects that are compared with each other: what is needed grows with their square."""
_COLOURS = (
    "#3566a8", "#d9822b", "#3d9970", "#b3404a", "#7b5ea7", "#8c6d46", "#c66aa8", "#6b7280", "#a3a533", "#2fa4b5",
)  # fmt: skip
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title><style>
body{font:14px/1.5 system-ui,sans-serif;color:#2c333b;background:#f6f7f9;margin:0}
main{max-width:1100px;margin:0 auto;padding:20px}
h1{font-size:22px;margin:0}p{color:#5a636e;margin:.2em 0 1em}
canvas{background:#fff;border:1px solid #e3e6ea;border-radius:10px;width:100%;height:70vh;cursor:grab;display:block}
#legend{margin-top:10px;display:flex;flex-wrap:wrap;gap:6px 14px}
#legend button{border:0;background:none;font:inherit;cursor:pointer;padding:0}
#legend button.off{opacity:.3}#legend i{display:inline-block;width:11px;height:11px;border-radius:50%;margin-right:5px}
#tip{position:fixed;pointer-events:none;background:#20262d;color:#fff;border-radius:6px;padding:4px 9px;display:none;font-size:13px}
</style></head><body><main><h1>$title</h1><p>$lead</p><canvas id="map"></canvas><div id="legend"></div></main>
<div id="tip"></div><script id="data" type="application/json">$data</script><script>
const d=JSON.parse(document.getElementById("data").textContent),canvas=document.getElementById("map"),g=canvas.getContext("2d"),
tip=document.getElementById("tip"),off=new Set();let s=1,ox=0,oy=0,drag=null;
function place(i){const w=canvas.width,h=canvas.height;return[(d.x[i]*s+ox)*w,(1-(d.y[i]*s+oy))*h]}
function draw(){const r=window.devicePixelRatio||1;canvas.width=canvas.clientWidth*r;canvas.height=canvas.clientHeight*r;
g.globalAlpha=.75;const size=Math.max(2,5-Math.log10(d.x.length+1))*r*.8;
for(let i=0;i<d.x.length;i++){if(off.has(d.c[i]))continue;const[x,y]=place(i);g.fillStyle=d.colours[d.c[i]];
g.beginPath();g.arc(x,y,size,0,7);g.fill()}}
function near(e){const b=canvas.getBoundingClientRect(),r=window.devicePixelRatio||1,px=(e.clientX-b.left)*r,py=(e.clientY-b.top)*r;
let best=-1,least=144*r*r;for(let i=0;i<d.x.length;i++){if(off.has(d.c[i]))continue;const[x,y]=place(i),q=(x-px)**2+(y-py)**2;
if(q<least){least=q;best=i}}return best}
canvas.onmousemove=e=>{if(drag){ox=drag[2]+(e.clientX-drag[0])/canvas.clientWidth;oy=drag[3]-(e.clientY-drag[1])/canvas.clientHeight;
draw();return}const i=near(e);tip.style.display=i<0?"none":"block";if(i>=0){tip.textContent=d.names[i]+" · "+d.classes[d.c[i]];
tip.style.left=e.clientX+14+"px";tip.style.top=e.clientY+10+"px"}};
canvas.onmousedown=e=>{drag=[e.clientX,e.clientY,ox,oy]};window.onmouseup=()=>{drag=null};
canvas.onwheel=e=>{e.preventDefault();const b=canvas.getBoundingClientRect(),f=e.deltaY<0?1.2:1/1.2,x=(e.clientX-b.left)/b.width,
y=1-(e.clientY-b.top)/b.height;ox=x-(x-ox)*f;oy=y-(y-oy)*f;s*=f;draw()};
canvas.ondblclick=()=>{s=1;ox=oy=0;draw()};window.onresize=draw;
d.classes.forEach((name,c)=>{const b=document.createElement("button"),dot=document.createElement("i");dot.style.background=d.colours[c];
b.append(dot,name+" ("+d.c.filter(x=>x===c).length+")");b.onclick=()=>{off.has(c)?off.delete(c):off.add(c);
b.classList.toggle("off");draw()};document.getElementById("legend").append(b)});draw();
</script></body></html>
""")


def check_page_name(path: Path) -> None:
    """Raises ConfigError: no name of a page."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"'{path}' is no name of a page: end --out in .html")


def map_objects(
    path: Path, objects: EmbeddedObjects, points: np.ndarray, title: str, method: str, kept: str = ""
) -> Path:
    """Writes the page of objects at points (N, 2) where a method of `projection` puts them, with what it keeps; see `write_map`."""
    classes = [objects.class_of(i) or "no class" for i in range(len(objects))]
    lead = f"{len(objects):,} objects, {objects.embedding.shape[1]} dimensions, {method.upper()}"
    return write_map(path, points, objects.object_id, classes, title, f"{lead}. {kept}" if kept else lead)


def kept_classes(embedding: np.ndarray, points: np.ndarray, label: np.ndarray, seed: int = 0) -> str:
    """How much of the classes a map keeps, in a sentence: whether the five nearest name an object's class, there and in all dimensions.

    Args:
      embedding: (N, D). points: (N, 2). label: (N,) int, -1 unknown. seed: of the objects that are asked, where there are many.

    Returns:
      '' where fewer than two classes have objects enough.

    >>> x = np.repeat([[0.0, 0.0], [9.0, 9.0]], 6, axis=0)
    >>> kept_classes(x, x[:, ::-1], np.repeat([0, 1], 6))
    'The five nearest name the class of 100 % of the objects on the map and of 100 % in all dimensions (classes alike, 12 objects)'
    """
    known = np.flatnonzero(label >= 0)
    asked = np.sort(np.random.default_rng(seed).permutation(known)[:_ASKED])
    there, classes = nearest_neighbour_accuracy(points[asked], label[asked])
    if classes < 2:
        return ""
    whole, _ = nearest_neighbour_accuracy(embedding[asked], label[asked])
    return (
        f"The five nearest name the class of {100 * there:.0f} % of the objects on the map and of {100 * whole:.0f} % in all dimensions "
        f"(classes alike, {len(asked):,} objects)"
    )


def write_map(
    path: Path, coordinates: np.ndarray, names: Sequence[str], classes: Sequence[str], title: str, lead: str
) -> Path:
    """Writes the page.

    Args:
      coordinates: (N, 2), finite. names: (N,) shown where one points. classes: (N,) names that colours go by.

    Raises:
      DataError: places that are not finite. StorageError: it cannot be written.
    """
    xy = np.asarray(coordinates, np.float64)
    if not np.isfinite(xy).all():
        raise DataError("some places on the map are not finite: leave those objects out")
    low, size = xy.min(0), np.maximum(np.ptp(xy, axis=0), 1e-12)
    xy = 0.03 + 0.94 * (xy - low) / size
    every = sorted(set(classes))
    number = {name: i for i, name in enumerate(every)}
    data = {
        "x": np.round(xy[:, 0], 5).tolist(),
        "y": np.round(xy[:, 1], 5).tolist(),
        "c": [number[name] for name in classes],
        "names": list(map(str, names)),
        "classes": every,
        "colours": [_COLOURS[i % len(_COLOURS)] for i in range(len(every))],
    }
    # A name must not be able to end the script.
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    files.write_text(path, _PAGE.substitute(title=html.escape(title), lead=html.escape(lead), data=text))
    return path
