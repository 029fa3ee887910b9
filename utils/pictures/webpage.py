"""The page of an interactive map: its frame in HTML, its looks in CSS, its movements in JavaScript."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{style_hash}'; \
script-src '{script_hash}'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<ul>
{legend}
</ul>
<form id="controls" hidden>
<input id="search" type="search" placeholder="find a word" aria-label="find a word" autocomplete="off">
<button id="closer" type="button" aria-label="zoom in">+</button>
<button id="wider" type="button" aria-label="zoom out">\N{MINUS SIGN}</button>
<button id="whole" type="button">whole map</button>
</form>
</header>
<main>
<svg id="map" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">
<defs>
{outlines}
</defs>
<path id="links" d=""/>
<g id="marks">
{marks}
</g>
<g id="labels">
{labels}
</g>
</svg>
<aside id="card" hidden></aside>
</main>
<footer>{caption}</footer>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1a1a1a; --faint: #8c8c8c; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8e8e8; --faint: #8a8d92; } }
* { box-sizing: border-box; }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; font: 15px/1.4 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 22px; padding: 12px 18px 8px; }
h1 { font-size: 20px; font-weight: 500; margin: 0; }
ul { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0; padding: 0; }
li svg { width: 16px; height: 16px; vertical-align: -3px; margin-right: 5px; }
form { margin-left: auto; }
input, button { font: inherit; padding: 2px 8px; }
main { flex: 1; min-height: 0; position: relative; margin: 0 18px; border: 1px solid var(--faint); }
#map { width: 100%; height: 100%; display: block; touch-action: none; cursor: grab; user-select: none; }
#map.held { cursor: grabbing; }
use { stroke: var(--paper); stroke-width: 0.8; }
text { font: 13px system-ui, sans-serif; fill: var(--ink); cursor: default;
  stroke: var(--paper); stroke-width: 3px; stroke-opacity: 0.75; paint-order: stroke; }
.away, .quiet { display: none; }
.near { font-weight: 600; }
#links { stroke: var(--faint); fill: none; }
#card { position: absolute; top: 10px; right: 10px; max-width: 45%; padding: 8px 14px; overflow-wrap: anywhere;
  background: var(--paper); border: 1px solid var(--faint); border-radius: 4px; pointer-events: none; }
#card h2 { font-size: 16px; margin: 0 0 2px; }
#card p { margin: 0; color: var(--faint); }
#card td:last-child { padding-left: 14px; text-align: right; font-variant-numeric: tabular-nums; }
footer { padding: 6px 18px 10px; font-size: 13px; color: var(--faint); }
"""

SCRIPT = """
"use strict";
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const map = byId("map"), card = byId("card"), labels = [...byId("labels").children], marks = [];
for (const mark of byId("marks").children) marks[mark.dataset.word] = mark;  // drawn in another order
const [, , WIDTH, HEIGHT] = map.getAttribute("viewBox").split(" ").map(Number);
const LEAST = 0.5, MOST = 1000;  // zoom
const REACH = 14;  // how far from a mark the pointer may be to mean it
const MARGIN = 300;  // how far outside a mark may be whose label can still be seen

// A point (x, y) of the whole map is seen at zoom * (x, y) + shift.
const view = { zoom: 1, shift: [0, 0] };
const held = new Map();  // where the pointers are that are down
let chosen = -1;  // the word whose neighbours are shown
let waiting = false;

const place = (i) => [0, 1].map((axis) => view.zoom * data.points[i][axis] + view.shift[axis]);
const inside = ([x, y], margin) => x > -margin && x < WIDTH + margin && y > -margin && y < HEIGHT + margin;

function draw() {
  waiting = false;
  const near = new Set(chosen < 0 ? [] : [chosen, ...data.near[chosen]]);
  labels.forEach((label, i) => {
    const here = place(i), away = !inside(here, MARGIN);
    marks[i].classList.toggle("away", away);
    label.classList.toggle("away", away);
    label.classList.toggle("quiet", view.zoom < data.from[i] && !near.has(i));
    label.classList.toggle("near", near.has(i));
    if (away) return;
    const transform = `translate(${here.map((value) => value.toFixed(2)).join(" ")})`;
    marks[i].setAttribute("transform", transform);
    label.setAttribute("transform", transform);
  });
  byId("links").setAttribute("d", [...near].map((j) => `M${place(chosen)}L${place(j)}`).join(""));
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(draw);
}

function add(parent, name, text) {
  const child = parent.appendChild(document.createElement(name));
  if (text !== undefined) child.textContent = text;
  return child;
}

function choose(i) {
  if (i === chosen) return;
  chosen = i;
  card.hidden = i < 0;
  card.replaceChildren();
  if (i >= 0) {
    add(add(card, "h2"), "bdi", labels[i].textContent);
    if (data.groups[i] !== null) add(card, "p", data.groups[i]);
    const table = add(card, "table");
    data.near[i].forEach((j, rank) => {
      const row = add(table, "tr");
      add(add(row, "td"), "bdi", labels[j].textContent);
      add(row, "td", data.cosines[i][rank].toFixed(2));
    });
  }
  redraw();
}

function zoom(factor, [x, y]) {
  const before = view.zoom;
  view.zoom = Math.min(MOST, Math.max(LEAST, before * factor));
  view.shift = [x, y].map((value, axis) => value + view.zoom / before * (view.shift[axis] - value));
  redraw();
}

function move(across, down) {
  view.shift = [view.shift[0] + across, view.shift[1] + down];
  redraw();
}

function whole() {
  view.zoom = 1;
  view.shift = [0, 0];
  redraw();
}

// Where a pointer is, in the units of the map.
function pointed(event) {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  return [x, y];
}

// The word meant: the one whose label is under the pointer, or whose mark is near; -1 where there is none.
function meant(event) {
  const label = labels.indexOf(event.target);
  if (label >= 0) return label;
  const [x, y] = pointed(event);
  let best = -1, least = REACH;
  data.points.forEach((_, i) => {
    const [left, top] = place(i), distance = Math.hypot(left - x, top - y);
    if (distance < least) [best, least] = [i, distance];
  });
  return best;
}

function find(text) {
  const start = text.trim().toLowerCase(), lower = data.words.map((word) => word.toLowerCase());
  let i = start === "" ? -1 : lower.indexOf(start);
  if (i < 0 && start !== "") i = lower.findIndex((word) => word.startsWith(start));
  choose(i);
  if (i >= 0 && !inside(place(i), -20)) {
    const [x, y] = place(i);
    move(WIDTH / 2 - x, HEIGHT / 2 - y);
  }
}

const middle = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
const spread = ([first, second]) => Math.hypot(first[0] - second[0], first[1] - second[1]);

map.addEventListener("wheel", (event) => {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  zoom(1.0015 ** (-event.deltaY * lines), pointed(event));
}, { passive: false });
map.addEventListener("pointerdown", (event) => {
  choose(meant(event));
  map.setPointerCapture(event.pointerId);
  held.set(event.pointerId, pointed(event));
  map.classList.add("held");
});
map.addEventListener("pointermove", (event) => {
  if (!held.has(event.pointerId)) {
    const i = meant(event);
    if (i >= 0) choose(i);  // the last one stays, to be read
    return;
  }
  const before = [...held.values()];
  held.set(event.pointerId, pointed(event));
  const after = [...held.values()], [from, to] = [middle(before), middle(after)];
  move(to[0] - from[0], to[1] - from[1]);
  if (held.size === 2) zoom(spread(after) / (spread(before) || 1), to);
});
for (const end of ["pointerup", "pointercancel"]) {
  map.addEventListener(end, (event) => {
    held.delete(event.pointerId);
    if (held.size === 0) map.classList.remove("held");
  });
}
map.addEventListener("dblclick", whole);
byId("controls").hidden = false;
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("search").addEventListener("input", (event) => find(event.target.value));
byId("closer").addEventListener("click", () => zoom(1.5, [WIDTH / 2, HEIGHT / 2]));
byId("wider").addEventListener("click", () => zoom(1 / 1.5, [WIDTH / 2, HEIGHT / 2]));
byId("whole").addEventListener("click", whole);
draw();
"""
