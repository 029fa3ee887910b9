
// The page itself: it shows the stages of a method, follows every change of the state, and lights up what belongs together.

const PAUSE = 1800;  // milliseconds from stage to stage while it plays
const ROUNDING = 1e-12;  // what is smaller is shown as zero
const FULL = 85;  // per cent of the colour in a cell whose number is 1 or more
const MOST_WORDS = 12, MOST_COUNTED = 6, LONGEST_WORD = 20;

const state = {};
let shownStages = [], quantities = new Map(), current = 0, timer = 0;

function start() {
  Object.assign(state, structuredClone(data), { method: state.method ?? data.method, history: [], draw: 0 });
  state.vectors = Object.assign(Object.create(null), state.vectors);  // a word may be called __proto__
  refresh();
}

// A number from 0 to 1 that follows from a text: the same word or draw gives the same numbers each time (FNV-1a, then
// the last steps of mulberry32).
function random(text) {
  let hash = 2166136261;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 1 | hash);
  hash = (hash + Math.imul(hash ^ (hash >>> 7), 61 | hash)) ^ hash;
  return ((hash ^ (hash >>> 14)) >>> 0) / 4294967296;
}

const drawVector = (word, kind) =>
  range(data.dimension).map((i) => Math.round(20 * random(`${i} ${kind} ${word}`) - 10) / 10);

function drawNegative(target, i, k) {
  const others = wordsOf(state.sentence).filter((word) => word !== target);
  return others[Math.floor(random(`${state.draw} ${i} ${k}`) * others.length)];
}

// The words that negatives are drawn for, in the order of the pairs.
function targetsNow() {
  const { outsides, centre } = windowSetting(state);
  return outsides.length === 0 ? [] : state.method === "cbow" ? [centre] : outsides;
}

// Keep the state whole after a change of words, window or K: vectors and counts for new words, K negatives for
// every target.
function complete() {
  state.centre = Math.min(state.centre, state.sentence.length - 1);
  const size = range(state.countedWords.length);
  state.counts = size.map((t) => size.map((c) => state.counts[t]?.[c] ?? 0));
  for (const word of wordsOf(state.sentence)) {
    if (!Object.hasOwn(state.vectors, word)) state.vectors[word] = { v: drawVector(word, "v"), u: drawVector(word, "u") };
  }
  const words = wordsOf(state.sentence);
  state.negatives = targetsNow().map((target, i) => range(state.K).map((k) => {
    const before = state.negatives[i]?.[k];
    return before !== undefined && before !== target && words.includes(before) ? before : drawNegative(target, i, k);
  }));
}

function refresh() {
  complete();
  build();
}

const compute = () => METHODS[state.method](state);

// Numbers, as they are shown

function written(value) {
  if (Number.isNaN(value)) return "—";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size < ROUNDING) return "0.000";
  const text = size >= 10000 || size < 0.0005 ? size.toExponential(1) : size.toFixed(size >= 10 && size % 1 === 0 ? 0 : 3);
  return (value < 0 ? "−" : "") + text;
}

const asInput = (value) => String(Number(value.toPrecision(4)));
const plainName = (name) => name.replace("_", " ");

function tint(element, value) {
  const share = Number.isNaN(value) ? 0 : Math.min(Math.abs(value), 1) * FULL;
  element.classList.toggle("positive", value > 0);
  element.classList.toggle("negative", value < 0);
  element.style.setProperty("--share", share.toFixed(1));
}

// v_dogs with the word set below.
function addName(parent, name) {
  const at = name.indexOf("_");
  parent.append(at < 0 ? name : name.slice(0, at));
  if (at >= 0) add(parent, "sub", name.slice(at + 1));
}

// Building the page

function build() {
  const focused = document.activeElement?.dataset?.name;
  const { sheet, stages } = compute();
  [shownStages, quantities] = [stages, sheet.quantities];
  current = Math.min(current, stages.length - 1);
  byId("stages").replaceChildren();
  byId("list").replaceChildren();
  const introduced = new Set();
  stages.forEach((each, i) => {
    const button = add(add(byId("list"), "li"), "button", each.title);
    button.type = "button";
    button.addEventListener("click", () => show(i));
    buildStage(each, i, introduced);
  });
  buildControls();
  fill();
  show(current, false);
  if (focused) document.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

function buildStage(each, i, introduced) {
  const section = add(byId("stages"), "section"), left = add(section, "div"), tables = add(section, "div");
  add(left, "h2", each.title).id = `title${i}`;
  section.classList.toggle("wide", each.widget === "update");
  section.setAttribute("aria-labelledby", `title${i}`);
  add(left, "p", each.text);
  for (const id of each.formulas) {
    const formula = add(left, "div"), original = byId(`formula-${id}`);
    formula.className = "formula";
    formula.append(...original.cloneNode(true).childNodes);
  }
  tables.className = "tables";
  if (each.widget) WIDGETS[each.widget](tables, each);
  for (const { head, rows, caption } of each.tables) buildTable(tables, head, rows, caption, introduced);
}

function buildTable(parent, head, rows, caption, introduced) {
  const box = add(parent, "div"), element = add(box, "table");
  box.className = "scroll";
  if (caption) add(element, "caption", caption);
  const top = add(add(element, "thead"), "tr"), body = add(element, "tbody");
  for (const text of head) add(top, "th", text).scope = "col";
  for (const row of rows) {
    const line = add(body, "tr");
    for (const cell of row) {
      if (typeof cell === "string") add(line, "td", cell);
      else if (cell.key) buildQuantity(add(line, "td"), cell, introduced);
      else {
        const th = add(line, "th");
        th.scope = "row";
        addName(th, cell.head);
      }
    }
  }
}

function buildQuantity(parent, quantity, introduced) {
  const element = add(parent, "span"), count = [quantity.value].flat().length, first = !introduced.has(quantity.key);
  introduced.add(quantity.key);
  element.className = "quantity";
  element.dataset.quantity = quantity.key;
  element.setAttribute("role", "group");
  const editable = first && quantity.input;
  if (first && !editable) element.tabIndex = 0;
  for (const i of range(count)) {
    const number = add(element, editable ? "input" : "span");
    number.className = "number";
    if (editable) makeInput(number, quantity, i, count);
  }
}

function makeInput(input, quantity, i, count) {
  input.type = "number";
  input.step = "0.1";
  input.dataset.name = `${quantity.key}#${i}`;
  input.setAttribute("aria-label", plainName(quantity.name) + (count > 1 ? `, component ${i + 1}` : ""));
  input.addEventListener("input", () => {
    const value = input.valueAsNumber, wrong = !Number.isFinite(value) || quantity.key.startsWith("W:") && value < 0;
    input.setAttribute("aria-invalid", String(wrong));
    if (wrong) return;
    quantity.input(i, value);
    state.history = [];
    fill();
  });
}

// Write all values anew, without touching the elements, so that an input keeps its cursor.
function fill() {
  const { sheet, stages } = compute();
  [shownStages, quantities] = [stages, sheet.quantities];
  for (const element of document.querySelectorAll("[data-quantity]")) {
    const { name, value } = quantities.get(element.dataset.quantity), values = [value].flat();
    element.setAttribute("aria-label", `${plainName(name)} = ${values.map(written).join(", ")}`);
    [...element.children].forEach((number, i) => {
      tint(number, values[i]);
      if (number.tagName !== "INPUT") {
        number.textContent = written(values[i]);
        number.title = String(values[i]);
      } else if (number !== document.activeElement) number.value = asInput(values[i]);
    });
  }
  for (const element of document.querySelectorAll(".history")) element.textContent = historyText();
}

function historyText() {
  return state.history.length === 0 ? "" : `J before each step so far: ${state.history.map(written).join(" → ")}`;
}

// What a stage has beside its tables

const WIDGETS = {
  window(parent) {
    const box = add(parent, "div"), { found, positions } = windowSetting(state);
    box.className = "window";
    state.sentence.forEach((word, i) => {
      const button = add(box, "button", word);
      button.type = "button";
      button.dataset.name = `word${i}`;
      button.classList.toggle("outside", positions.includes(i));
      button.setAttribute("aria-pressed", String(i === state.centre));
      const role = i === state.centre ? "centre word" : positions.includes(i) ? "outside word" : "choose as centre word";
      button.setAttribute("aria-label", `${word}: ${role}`);
      button.addEventListener("click", () => changed(() => { state.centre = i; }));
    });
    if (["skipgram", "cbow"].includes(state.method) || found.length === 0) return;
    const label = add(parent, "label", "outside word o "), select = add(label, "select");
    select.dataset.name = "outside";
    for (const i of found) add(select, "option", state.sentence[i]).value = String(i);
    select.value = String(positions[0]);
    select.addEventListener("change", () => changed(() => { state.outside = Number(select.value); }));
  },

  negatives(parent, { targets }) {
    const box = add(parent, "div");
    box.className = "draws";
    targets.forEach((target, i) => {
      const line = add(box, "div");
      add(line, "span", `for ${target}:`);
      state.negatives[i].forEach((negative, k) => {
        const select = add(line, "select");
        select.dataset.name = `negative${i}:${k}`;
        select.setAttribute("aria-label", `negative ${k + 1} for ${target}`);
        for (const word of wordsOf(state.sentence)) if (word !== target) add(select, "option", word);
        select.value = negative;
        select.addEventListener("change", () => changed(() => { state.negatives[i][k] = select.value; }));
      });
    });
    const again = add(box, "button", "draw again");
    again.type = "button";
    again.dataset.name = "draw";
    again.addEventListener("click", () => changed(() => {
      state.draw += 1;
      state.negatives = [];
    }));
  },

  update(parent) {
    const box = add(parent, "div"), button = add(box, "button", "take this step");
    button.type = "button";
    button.dataset.name = "take";
    button.addEventListener("click", takeStep);
    add(box, "p").className = "history";
  },
};

function takeStep() {
  state.history.push((quantities.get("J") ?? quantities.get("J:0")).value);
  for (const [key, value] of shownStages.at(-1).changes) {
    const [kind, word] = [key[0], key.slice(2)];
    state.vectors[word][kind] = value;
  }
  fill();
}

// The controls at the top

function changed(change) {
  change();
  state.history = [];
  refresh();
}

const USES = {
  window: () => !["sigmoid", "ppmi", "svd"].includes(state.method),
  loss: () => state.method === "skipgram",
  negatives: () => ["negSamplingLossAndGradient", "cbow"].includes(state.method)
    || state.method === "skipgram" && state.loss === "negatives",
  counts: () => ["ppmi", "svd"].includes(state.method),
  svd: () => state.method === "svd",
};

function buildControls() {
  for (const label of document.querySelectorAll("[data-for]")) label.hidden = !USES[label.dataset.for]();
  const values = { ...state, sentence: state.sentence.join(" "), countedWords: state.countedWords.join(" ") };
  byId("k").max = String(state.countedWords.length);
  for (const id of ["method", "sentence", "window", "loss", "K", "step", "countedWords", "k"]) {
    if (byId(id) !== document.activeElement) byId(id).value = String(values[id]);
  }
}

function control(id, read, change = changed) {
  byId(id).addEventListener("input", () => {
    const value = read(byId(id));
    byId(id).setAttribute("aria-invalid", String(value === undefined));
    if (value !== undefined) change(() => { state[id] = value; });
  });
}

const whole = (input) => input.validity.valid && Number.isInteger(input.valueAsNumber) ? input.valueAsNumber : undefined;

// Words, of which at least two must differ: a sentence, or all of them in a table.
function readWords(input, most, distinct) {
  const words = input.value.split(/\s+/).filter((word) => word !== ""), different = new Set(words).size;
  const fits = words.length <= most && words.every((word) => word.length <= LONGEST_WORD);
  return fits && different >= 2 && (different === words.length || !distinct) ? words : undefined;
}

control("method", (select) => select.value, (change) => {
  current = 0;
  changed(change);
});
control("sentence", (input) => readWords(input, MOST_WORDS, false));
control("countedWords", (input) => readWords(input, MOST_COUNTED, true));
control("window", whole);
control("loss", (select) => select.value);
control("K", whole);
control("k", whole);
control("step", (input) => input.valueAsNumber >= 0 ? input.valueAsNumber : undefined, (change) => {
  change();
  fill();
});
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("reset").addEventListener("click", start);

// Forward, back, play

function show(i, scroll = true) {
  current = Math.max(0, Math.min(i, shownStages.length - 1));
  [...byId("stages").children].forEach((section, j) => {
    section.hidden = j > current;
    section.classList.toggle("current", j === current);
  });
  [...byId("list").children].forEach(({ firstChild: button }, j) => {
    if (j === current) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  });
  byId("back").disabled = current === 0;
  byId("forward").disabled = current === shownStages.length - 1;
  if (current === shownStages.length - 1) stop();
  if (!scroll) return;
  byId("stages").children[current].scrollIntoView({ block: "nearest" });
  const button = byId("list").children[current].firstChild;
  byId("list").scrollLeft = button.offsetLeft - byId("list").offsetLeft - 40;
}

function stop() {
  clearInterval(timer);
  timer = 0;
  byId("play").setAttribute("aria-pressed", "false");
  byId("play").textContent = "play";
}

function play() {
  if (timer !== 0) {
    stop();
    return;
  }
  show(current === shownStages.length - 1 ? 0 : current + 1);
  if (current === shownStages.length - 1) return;
  byId("play").setAttribute("aria-pressed", "true");
  byId("play").textContent = "pause";
  timer = setInterval(() => show(current + 1), PAUSE);
}

function go(i) {
  stop();
  show(i);
}

byId("back").addEventListener("click", () => go(current - 1));
byId("forward").addEventListener("click", () => go(current + 1));
byId("play").addEventListener("click", play);
const KEYS = {
  ArrowRight: () => go(current + 1), ArrowLeft: () => go(current - 1), p: play, P: play, Home: () => go(0),
  End: () => go(shownStages.length - 1), Escape: () => light(null),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  if (event.key !== "Escape" && event.target.closest("input, select")) return;
  event.preventDefault();
  KEYS[event.key]();
});

// What a quantity is computed from, and what it feeds

const RELATION = byId("relation").textContent;

function related(key) {
  const from = quantities.get(key).from;
  const feeds = [...quantities.values()].filter((other) => other.from.includes(key)).map((other) => other.key);
  return { from, feeds };
}

function light(key) {
  const known = key !== null && quantities.has(key), { from, feeds } = known ? related(key) : { from: [], feeds: [] };
  for (const element of document.querySelectorAll("[data-quantity]")) {
    const own = element.dataset.quantity;
    element.classList.toggle("here", own === key);
    element.classList.toggle("from", from.includes(own));
    element.classList.toggle("feeds", feeds.includes(own));
  }
  describe(byId("relation"), known ? key : null, from, feeds);
}

function describe(line, key, from, feeds) {
  line.replaceChildren();
  if (key === null) {
    line.append(RELATION);
    return;
  }
  const addNames = (keys) => keys.forEach((each, i) => {
    if (i > 0) line.append(", ");
    addName(line, quantities.get(each).name);
  });
  addNames([key]);
  line.append(from.length > 0 ? " is computed from " : " is given");
  addNames(from);
  if (feeds.length > 0) line.append(" and feeds ");
  addNames(feeds);
  line.append(".");
}

const quantityOf = (event) => event.target.closest?.("[data-quantity]")?.dataset.quantity ?? null;
document.addEventListener("pointerover", (event) => {
  const key = quantityOf(event);
  if (key !== null) light(key);  // the last one stays, to be read
});
document.addEventListener("focusin", (event) => light(quantityOf(event)));

for (const [id, value] of [["low", -1], ["half", -0.5], ["more", 0.5], ["high", 1]]) tint(byId(id), value);
for (const part of document.querySelectorAll("form, nav, footer")) part.hidden = false;
start();
