
const map = byId("map"), card = byId("card"), labels = [...byId("labels").children], marks = [];
for (const mark of byId("marks").children) marks[mark.dataset.word] = mark;  // in another order, groups on top
const pointers = [...byId("pointers").children];
const LEAST = 0.5, MOST = 1000;  // zoom
const REACH = 14;  // how far from a mark the pointer may be to mean it
const BEYOND = 300;  // how far outside a mark may be whose label can still be seen
const STEP = 60, FACTOR = 1.5;  // of a key: pixels, zoom
const EDGE = 18, LINE = 16;  // from a pointer at the edge to the edge, and to the next one

// The SVG counts in pixels of the screen. A point p of the data is seen at scale * (p - centre) + size / 2.
const outside = new Set(data.outside);
const shown = data.points.filter((_, i) => !outside.has(i));
const low = [0, 1].map((axis) => Math.min(...shown.map((point) => point[axis])));
const high = [0, 1].map((axis) => Math.max(...shown.map((point) => point[axis])));
const size = [0, 0];
const view = { zoom: 1, centre: [0, 0] };
const held = new Map();  // where the pointers are that are down
let fit = 1;  // the scale at which the whole map is seen
let chosen = -1;  // the word whose neighbours are shown
let waiting = false;

const scale = () => fit * view.zoom;
const place = (i) => [0, 1].map((axis) => scale() * (data.points[i][axis] - view.centre[axis]) + size[axis] / 2);
const inside = ([x, y], margin) => x > -margin && x < size[0] + margin && y > -margin && y < size[1] + margin;
const written = (point) => point.map((value) => value.toFixed(2)).join(" ");

function draw() {
  waiting = false;
  const near = new Set(chosen < 0 ? [] : [chosen, ...data.near[chosen]]);
  map.classList.toggle("chosen", chosen >= 0);
  labels.forEach((label, i) => {
    const here = place(i), away = !inside(here, BEYOND);
    for (const part of [marks[i], label]) {
      part.classList.toggle("away", away);
      part.classList.toggle("near", near.has(i));
      if (!away) part.setAttribute("transform", `translate(${written(here)})`);
    }
    label.classList.toggle("quiet", scale() < data.from[i] && !near.has(i));
  });
  byId("links").setAttribute("d", [...near].map((j) => `M${place(chosen)}L${place(j)}`).join(""));
  card.classList.toggle("left", chosen >= 0 && place(chosen)[0] > size[0] / 2);
  drawPointers();
}

// On the whole map, arrows at the edge towards the words that are outside.
function drawPointers() {
  const taken = [];
  for (const pointer of pointers) {
    const there = place(Number(pointer.dataset.word));
    const needed = view.zoom < FACTOR && !inside(there, 0);
    pointer.classList.toggle("away", !needed);
    if (!needed) continue;
    const at = there.map((value, axis) => Math.min(Math.max(value, EDGE), size[axis] - EDGE));
    while (taken.some(([x, y]) => Math.abs(x - at[0]) < 100 && Math.abs(y - at[1]) < LINE)) at[1] += LINE;
    taken.push(at);
    const [arrow, text] = pointer.children, right = at[0] > size[0] / 2;
    const turn = Math.atan2(there[1] - at[1], there[0] - at[0]) * 180 / Math.PI;
    pointer.setAttribute("transform", `translate(${written(at)})`);
    arrow.setAttribute("transform", `rotate(${turn.toFixed(1)})`);
    text.setAttribute("text-anchor", right ? "end" : "start");
    text.setAttribute("x", right ? -EDGE : EDGE);
  }
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(draw);
}

function choose(i) {
  if (i === chosen) return;
  chosen = i;
  card.hidden = i < 0;
  card.replaceChildren();
  if (i >= 0) {
    add(add(card, "h2"), "bdi", labels[i].textContent);
    if (data.groups[i] !== null) add(card, "p", data.groups[i]);
    const body = add(add(card, "table"), "tbody");
    const digits = Math.min(...data.cosines[i]) < 0.985 ? 2 : 3;
    data.near[i].forEach((j, rank) => {
      const row = add(body, "tr");
      add(add(row, "td"), "bdi", labels[j].textContent);
      add(row, "td", data.cosines[i][rank].toFixed(digits));
    });
  }
  redraw();
}

function resize() {
  const box = map.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) return;
  [size[0], size[1]] = [box.width, box.height];
  map.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
  const space = [size[0] - 2 * Math.min(110, 0.16 * size[0]), size[1] - 2 * Math.min(40, 0.1 * size[1])];
  const fits = [0, 1].map((axis) => space[axis] / (high[axis] - low[axis]));
  fit = Math.min(...fits);
  if (!Number.isFinite(fit)) fit = 1;  // all words are in one place
  redraw();
}

function zoom(factor, at) {
  const before = scale();
  view.zoom = Math.min(MOST, Math.max(LEAST, view.zoom * factor));
  view.centre = at.map((value, axis) => view.centre[axis] + (value - size[axis] / 2) * (1 / before - 1 / scale()));
  redraw();
}

function move(across, down) {
  view.centre = [view.centre[0] - across / scale(), view.centre[1] - down / scale()];
  redraw();
}

function whole() {
  view.zoom = 1;
  view.centre = low.map((value, axis) => (value + high[axis]) / 2);
  redraw();
}

const middleOfMap = () => size.map((length) => length / 2);

function show(i) {
  choose(i);
  if (!inside(place(i), -20)) view.centre = [...data.points[i]];
  redraw();
}

function pointed(event) {
  const box = map.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// The word meant: the one whose label or arrow is under the pointer, or whose mark is near; -1 where there is none.
function meant(event) {
  const label = labels.indexOf(event.target);
  if (label >= 0) return label;
  const pointer = pointers.find((candidate) => candidate.contains(event.target));
  if (pointer) return Number(pointer.dataset.word);
  const [x, y] = pointed(event);
  let best = -1, least = REACH;
  data.points.forEach((_, i) => {
    const [left, top] = place(i), distance = Math.hypot(left - x, top - y);
    if (distance < least) [best, least] = [i, distance];
  });
  return best;
}

// Words equal to the text first, then those that start with it, then those that contain it.
function matches(text) {
  const wanted = text.trim().toLowerCase(), lower = data.words.map((word) => word.toLowerCase());
  if (wanted === "") return [];
  const rank = (word) => word === wanted ? 0 : word.startsWith(wanted) ? 1 : word.includes(wanted) ? 2 : 3;
  return lower.map((word, i) => [rank(word), i]).filter(([order]) => order < 3)
    .sort((one, other) => one[0] - other[0] || one[1] - other[1]).map(([, i]) => i);
}

let turn = 0;  // which of the matches is shown

function find(next) {
  const text = byId("search").value, found = matches(text);
  turn = next && found.length > 0 ? (turn + 1) % found.length : 0;
  byId("found").textContent = text.trim() === "" ? "" : found.length === 0 ? `no word contains “${text.trim()}”`
    : found.length === 1 ? "1 word" : `${turn + 1} of ${found.length} words, Enter for the next`;
  if (found.length > 0) show(found[turn]);
  else choose(-1);
}

const middle = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
const spread = ([first, second]) => Math.hypot(first[0] - second[0], first[1] - second[1]);

const KEYS = {
  ArrowLeft: () => move(STEP, 0), ArrowRight: () => move(-STEP, 0),
  ArrowUp: () => move(0, STEP), ArrowDown: () => move(0, -STEP),
  "+": () => zoom(FACTOR, middleOfMap()), "=": () => zoom(FACTOR, middleOfMap()),
  "-": () => zoom(1 / FACTOR, middleOfMap()), "0": whole, Home: whole, Escape: () => choose(-1),
};
map.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
map.addEventListener("wheel", (event) => {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  zoom(1.0015 ** (-event.deltaY * lines), pointed(event));
}, { passive: false });
map.addEventListener("pointerdown", (event) => {
  const pointer = pointers.find((candidate) => candidate.contains(event.target));
  if (pointer) {
    show(Number(pointer.dataset.word));
    return;
  }
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
byId("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  find(true);
});
byId("search").addEventListener("input", () => find(false));
byId("closer").addEventListener("click", () => zoom(FACTOR, middleOfMap()));
byId("wider").addEventListener("click", () => zoom(1 / FACTOR, middleOfMap()));
byId("whole").addEventListener("click", whole);
new ResizeObserver(resize).observe(map);
resize();
whole();
