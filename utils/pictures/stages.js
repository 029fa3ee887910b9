
// What there is to see: each method as a list of stages, computed anew from the state whenever it changes.
//
// A stage has a title, a sentence, the numbers of its formulas and tables. The cells of a table are texts, or
// quantities: { key, name, value, from }, where `from` holds the keys of what the value is computed from. Names are
// written like v_dogs, what follows the first underscore being set below.

class Sheet {
  constructor() {
    this.quantities = new Map();
  }

  put(key, name, value, from = [], input) {
    const quantity = { key, name, value, from, input };
    this.quantities.set(key, quantity);
    return quantity;
  }
}

const range = (n) => Array.from({ length: n }, (_, i) => i);
const stage = (title, text, formulas, ...tables) => ({ title, text, formulas, tables: tables.filter(Boolean) });
const table = (head, rows, caption = "") => ({ head, rows, caption });
const sumRow = (name, quantity, before) => [{ head: name }, ...Array(before).fill(""), quantity];
const wordsOf = (sentence) => [...new Set(sentence)];

// What all methods with a window share: words, their vectors, the centre word and the outside words.
function windowSetting(state) {
  const sheet = new Sheet(), sentence = state.sentence, words = wordsOf(sentence), centre = sentence[state.centre];
  const found = outsidePositions(sentence, state.centre, state.window);
  const positions = ["skipgram", "cbow"].includes(state.method) ? found : found.includes(state.outside)
    ? [state.outside] : found.slice(0, 1);
  const input = (kind, word) => (i, value) => { state.vectors[word][kind][i] = value; };
  const vector = (kind) => (word) => sheet.put(`${kind}:${word}`, `${kind}_${word}`, state.vectors[word][kind], [],
    input(kind, word));
  const V = words.map(vector("v")), U = words.map(vector("u"));
  const alpha = sheet.put("alpha", "α", state.step);
  const index = (word) => words.indexOf(word);
  return { state, sheet, sentence, words, centre, found, positions, outsides: positions.map((i) => sentence[i]),
    V, U, v: V[index(centre)], matrix: U.map((u) => u.value), alpha, index };
}

const WINDOW_TEXT = {
  pair: "Choose the centre word c in the sentence, and which word of its window is the outside word o.",
  skipgram: "Choose the centre word c. It is to predict every outside word of its window.",
  cbow: "Choose the centre word c. It is to be predicted by the mean of the outside words of its window.",
};

function openingStages(setting) {
  const { words, V, U, state } = setting;
  return [
    { ...stage("Window", WINDOW_TEXT[state.method] ?? WINDOW_TEXT.pair, []), widget: "window" },
    stage("Vectors", "Each word has a vector v as a centre word and a vector u as an outside word. Change any number.",
      [], table(["w", "v", "u"], words.map((word, w) => [{ head: word }, V[w], U[w]]))),
  ];
}

function softmaxStages(setting) {
  const { sheet, words, U, v, outsides, index, matrix } = setting;
  const pairs = outsides.map((o) => naiveSoftmax(v.value, index(o), matrix)), several = pairs.length > 1;
  const { scores, yHat } = pairs[0], all = (list) => list.map((quantity) => quantity.key);
  const s = words.map((word, w) => sheet.put(`s:${word}`, `s_${word}`, scores[w], [U[w].key, v.key]));
  const e = words.map((word, w) => sheet.put(`e:${word}`, `exp s_${word}`, Math.exp(scores[w]), [s[w].key]));
  const Z = sheet.put("Z", "sum", sum(e.map((quantity) => quantity.value)), all(e));
  const y = words.map((word, w) => sheet.put(`y:${word}`, `ŷ_${word}`, yHat[w], [e[w].key, Z.key]));
  const J = pairs.map((pair, i) => sheet.put(`J:${i}`, `J_${outsides[i]}`, pair.loss, [y[index(outsides[i])].key]));
  const deltas = pairs.map((pair, i) => words.map((word, w) =>
    sheet.put(`d:${i}:${word}`, `δ_${word}`, pair.delta[w], [y[w].key])));
  const heads = outsides.map((o) => several ? `o = ${o}` : "δ = ŷ − y");
  return {
    pairs, J, fromOfV: deltas.map((delta) => [...all(delta), ...all(U)]),
    fromOfU: words.map((_, w) => deltas.map((delta) => delta[w].key)),
    stages: [
      stage("Scores", "The score of a word next to c: the product of its u with the centre word's v.", ["score"],
        table(["w", "u", "s"], words.map((word, w) => [{ head: word }, U[w], s[w]])),
        table(["c", "v"], [[{ head: setting.centre }, v]])),
      stage("Softmax", "Scores become probabilities: exponentials, divided by their sum.", ["9"],
        table(["w", "s", "exp s", "ŷ"], [...words.map((word, w) => [{ head: word }, s[w], e[w], y[w]]),
          sumRow("sum", Z, 1)])),
      lossStage(setting, pairs, J, ["11"]),
      stage("δ = ŷ − y", "The derivative of the loss with respect to the scores: what was predicted, less what was there.",
        ["13"], table(["w", "ŷ", ...(several ? [] : ["y"]), ...heads], words.map((word, w) =>
          [{ head: word }, y[w], ...(several ? [] : [word === outsides[0] ? "1" : "0"]),
            ...deltas.map((delta) => delta[w])]))),
    ],
  };
}

// Negative sampling, where the vector p (of the centre word, or the mean) predicts each of the targets.
function samplingStages(setting, p, targets, results, numbers) {
  const { sheet, U, index, words } = setting;
  const rows = results.flatMap((result, i) => result.targets.map((w, k) => {
    const word = words[w], at = `${i}:${k}`, sub = k === 0 ? word : `${word}, ${k}`;
    const s = sheet.put(`s:${at}`, `s_${sub}`, result.scores[k], [U[w].key, p.key]);
    const q = sheet.put(`q:${at}`, `σ(s)_${sub}`, result.sigmoids[k], [s.key]);
    const term = sheet.put(`t:${at}`, `−log σ_${sub}`, result.terms[k], [q.key]);
    const delta = sheet.put(`d:${at}`, `δ_${sub}`, result.delta[k], [q.key]);
    return { i, w, word, head: { head: k === 0 ? word : `${word} (neg.)` }, s, q, term, delta };
  }));
  const of = (i) => rows.filter((row) => row.i === i);
  const J = targets.map((o, i) => sheet.put(`J:${i}`, `J_${o}`, results[i].loss, of(i).map((row) => row.term.key)));
  const cells = (...names) => rows.map((row) => [row.head, ...names.map((name) => row[name] ?? U[row.w])]);
  return {
    pairs: results, J, fromOfV: targets.map((_, i) => of(i).flatMap((row) => [row.delta.key, U[row.w].key])),
    fromOfU: words.map((_, w) => rows.filter((row) => row.w === w).map((row) => row.delta.key)),
    stages: [
      { ...stage("Negatives", "For every word that was found, K words are drawn at random; none of them is that word " +
        "itself, but one may come twice. Draw again, or choose them." + (p.key === "h" ? " They are the noise words " +
        "of (70), N = K of them." : ""), []), widget: "negatives", targets },
      stage("Scores", `The products of their vectors u with ${p.key === "h" ? "the mean h" : "the centre word's v"}.`,
        p.key === "h" ? [] : ["score"], table(["w", "u", "s"], cells("u", "s")),
        table(["", p.key === "h" ? "h" : "v"], [[{ head: p.key === "h" ? "mean" : setting.centre }, p]])),
      stage("Sigmoid", "The probability that a pair was found and not drawn.", ["23"],
        table(["w", "s", "σ(s)"], cells("s", "q"))),
      lossStage(setting, results, J, [numbers.loss], table(["w", "σ(s)", "term of J"], cells("q", "term"),
        "The word that was found adds −log σ(s), a negative one −log σ(−s) = −log(1 − σ(s)).")),
      stage("δ", "The derivative of the loss with respect to each score: σ − 1 for the word found, σ for negatives" +
        (p.key === "h" ? " (with h in place of the centre word's v)." : "."),
        ["28", "28-negative"], table(["w", "σ(s)", "δ"], cells("q", "delta"))),
    ],
  };
}

function lossStage({ sheet, outsides, state }, pairs, J, numbers, terms) {
  const several = state.method === "skipgram", named = state.method === "cbow" ? [state.sentence[state.centre]] : outsides;
  const total = several ? sheet.put("J", "J", sum(pairs.map((pair) => pair.loss)), J.map((one) => one.key)) : J[0];
  const rows = J.map((one, i) => [{ head: named[i] }, one]);
  return stage("Loss", several ? "The losses of the window's pairs add up." : "Small where the word found is likely.",
    several ? [...numbers, "36"] : numbers, terms,
    table([several ? "o" : "", "J"], several ? [...rows, sumRow("window", total, 0)] : rows));
}

function predictionStages(setting) {
  const { state, sheet, words, centre, outsides, v, U, index, matrix } = setting;
  const softmaxed = state.method === "naiveSoftmaxLossAndGradient" || state.method === "skipgram" && state.loss === "softmax";
  const part = softmaxed ? softmaxStages(setting) : samplingStages(setting, v, outsides,
    outsides.map((o, i) => negativeSampling(v.value, index(o), state.negatives[i].map(index), matrix)), { loss: "27" });
  const several = state.method === "skipgram", whole = windowOf(part.pairs);
  const ofPairs = several ? part.pairs.map((pair, i) =>
    sheet.put(`dv:${i}`, `∂J_${outsides[i]}/∂v`, pair.gradV, part.fromOfV[i])) : [];
  const dv = sheet.put("dv", `∂J/∂v_${centre}`, whole.gradV,
    several ? ofPairs.map((one) => one.key) : part.fromOfV[0]);
  const moving = words.map((_, w) => w).filter((w) => part.fromOfU[w].length > 0);
  const du = moving.map((w) =>
    sheet.put(`du:${words[w]}`, `∂J/∂u_${words[w]}`, whole.gradU[w], [...part.fromOfU[w], v.key]));
  const after = words.map((_, w) => moved(matrix[w], whole.gradU[w], state.step));
  const newV = moved(v.value, whole.gradV, state.step);
  const again = softmaxed ? part.pairs.map((_, i) => naiveSoftmax(newV, index(outsides[i]), after))
    : part.pairs.map((_, i) => negativeSampling(newV, index(outsides[i]), state.negatives[i].map(index), after));
  return [
    ...openingStages(setting), ...part.stages,
    stage("∂J/∂v", "Only the centre word's v gets a gradient" + (several ? ": the sum over the pairs." : "."),
      [softmaxed ? "14" : "29", ...(several ? ["38", "39"] : [])],
      table([several ? "o" : "", "∂J/∂v"], [...ofPairs.map((one, i) => [{ head: outsides[i] }, one]),
        [{ head: several ? "sum" : centre }, dv]])),
    stage("∂J/∂u", softmaxed ? "Every word's u gets a gradient, a multiple of the centre word's v."
      : "The word found and the negatives get a gradient; a word drawn twice counts twice. All others stay.",
      [...(softmaxed ? ["19"] : ["30", "35"]), ...(several ? ["37"] : [])],
      table(["w", "∂J/∂u"], du.map((one, i) => [{ head: words[moving[i]] }, one]))),
    updateStage(setting, part.J, [[v, dv, newV], ...moving.map((w, i) => [U[w], du[i], after[w]])],
      windowOf(again).loss),
  ];
}

// The last stage: pairs of [quantity, gradient, new value]; the state learns how to apply them.
function updateStage({ state, sheet, alpha }, J, changes, lossAfter) {
  const rows = changes.map(([old, gradient, value]) => {
    const fresh = sheet.put(`new:${old.key}`, `new ${old.name}`, value, [old.key, gradient.key, alpha.key]);
    return [{ head: old.name }, old, gradient, fresh];
  });
  const fresh = rows.map((row) => row[3].key);
  const before = sheet.quantities.get("J") ?? J[0];
  const after = sheet.put("after", "J after", lossAfter, fresh);
  return {
    ...stage("Update", "A step of gradient descent: each vector moves against its gradient. Then the loss is smaller, " +
      "unless the step was too long.", state.method === "naiveSoftmaxLossAndGradient" ? ["step", "16"] : ["step"],
      table(["x", "before", "∂J/∂x", "after"], rows),
      table(["α", "J before", "J after"], [[alpha, before, after]])),
    widget: "update", changes: changes.map(([old, , value]) => [old.key, value]),
  };
}

function cbowStages(setting) {
  const { state, sheet, words, centre, outsides, V, U, index, matrix } = setting;
  const at = outsides.map(index), vectors = at.map((w) => V[w].value), m = outsides.length;
  const c = index(centre), negatives = state.negatives[0].map(index), result = cbow(vectors, c, negatives, matrix);
  const distinct = [...new Set(at)];
  const h = sheet.put("h", "h", result.h, distinct.map((w) => V[w].key));
  const part = samplingStages(setting, h, [centre], [result], { loss: "cbow-loss" });
  const dh = sheet.put("dh", "∂J/∂h", result.gradH, part.fromOfV[0]);
  const copies = (w) => at.filter((other) => other === w).length;
  const dv = distinct.map((w) => sheet.put(`dv:${words[w]}`, `∂J/∂v_${words[w]}`,
    times(copies(w), result.gradOfEach), [dh.key]));
  const moving = range(words.length).filter((w) => part.fromOfU[w].length > 0);
  const du = moving.map((w) =>
    sheet.put(`du:${words[w]}`, `∂J/∂u_${words[w]}`, result.gradU[w], [...part.fromOfU[w], h.key]));
  const newV = new Map(distinct.map((w, i) => [w, moved(V[w].value, dv[i].value, state.step)]));
  const newU = words.map((_, w) => moved(matrix[w], result.gradU[w], state.step));
  const after = cbow(at.map((w) => newV.get(w)), c, negatives, newU);
  return [
    ...openingStages(setting),
    stage("Mean", `The mean of the ${m} outside words' vectors v.`, ["mean"],
      table(["w", "v"], [...at.map((w) => [{ head: words[w] }, V[w]]), [{ head: "h" }, h]])),
    ...part.stages,
    stage("∂J/∂h", "The gradient with respect to the mean.", ["cbow-h"], table(["", "∂J/∂h"], [[{ head: "h" }, dh]])),
    stage("∂J/∂v", "Each outside word has a share of 1/m in the mean, and so in the gradient. (The training by epochs " +
      "moves each by all of ∂J/∂h, as word2vec's C code does.)", ["cbow-v"],
      table(["w", "∂J/∂v"], distinct.map((w, i) => [{ head: words[w] }, dv[i]]))),
    stage("∂J/∂u", "As in negative sampling, with the mean in place of v.", [],
      table(["w", "∂J/∂u"], moving.map((w, i) => [{ head: words[w] }, du[i]]))),
    updateStage(setting, part.J, [...distinct.map((w, i) => [V[w], dv[i], newV.get(w)]),
      ...moving.map((w, i) => [U[w], du[i], newU[w]])], after.loss),
  ];
}

function sigmoidStages(state) {
  const sheet = new Sheet();
  const rows = state.numbers.map((x, i) => {
    const given = sheet.put(`x:${i}`, `x_${i + 1}`, [x], [], (_, value) => { state.numbers[i] = value; });
    const e = sheet.put(`e:${i}`, `exp(−x)_${i + 1}`, Math.exp(-x), [given.key]);
    const q = sheet.put(`q:${i}`, `σ(x)_${i + 1}`, sigmoid(x), [e.key]);
    const mirrored = sheet.put(`m:${i}`, `σ(−x)_${i + 1}`, sigmoid(-x), [q.key]);
    const slope = sheet.put(`g:${i}`, `σ'(x)_${i + 1}`, sigmoid(x) * sigmoid(-x), [q.key, mirrored.key]);
    const log = sheet.put(`l:${i}`, `log σ(x)_${i + 1}`, -softplus(-x), [q.key]);
    const logSlope = sheet.put(`k:${i}`, `(log σ)'_${i + 1}`, sigmoid(-x), [mirrored.key]);
    return { given, e, q, mirrored, slope, log, logSlope };
  });
  const cells = (...names) => rows.map((row) => names.map((name) => row[name]));
  return { sheet, stages: [
    stage("Numbers", "Change any of them.", [], table(["x"], cells("given"))),
    stage("Sigmoid", "Any number becomes one between 0 and 1.", ["23"],
      table(["x", "exp(−x)", "σ(x)"], cells("given", "e", "q"))),
    stage("Mirrored", "The other outcome's probability.", ["24"], table(["σ(x)", "σ(−x)"], cells("q", "mirrored"))),
    stage("Derivative", "From the value alone: no exponential is needed a second time. It is largest at 0.", ["25"],
      table(["σ(x)", "σ(−x)", "σ'(x)"], cells("q", "mirrored", "slope"))),
    stage("Logarithm", "Losses contain its logarithm, where one factor cancels.", ["26"],
      table(["σ(x)", "log σ(x)", "derivative"], cells("q", "log", "logSlope"))),
  ] };
}

function countingStages(state) {
  const sheet = new Sheet(), words = state.countedWords, counts = state.counts;
  const keys = (list) => list.map((quantity) => quantity.key), name = (t, c) => `${words[t]}, ${words[c]}`;
  const matrix = (letter, title, values, from, input) => words.map((_, t) => words.map((_, c) =>
    sheet.put(`${letter}:${t}:${c}`, `${title}_${name(t, c)}`, input ? [values[t][c]] : values[t][c], from(t, c),
      input && input(t, c))));
  const shape = (quantities) => table(["", ...words], words.map((word, t) => [{ head: word }, ...quantities[t]]));
  const W = matrix("W", "W", counts, () => [], (t, c) => (_, value) => { counts[t][c] = value; });
  const result = shares(counts);
  const N = sheet.put("N", "total", result.total, keys(W.flat()));
  const p = matrix("p", "p", result.joint, (t, c) => [W[t][c].key, N.key]);
  const pt = words.map((word, t) => sheet.put(`pt:${t}`, `p(t)_${word}`, result.targets[t], keys(p[t])));
  const pc = words.map((word, c) => sheet.put(`pc:${c}`, `p(c)_${word}`, result.contexts[c], keys(p.map((row) => row[c]))));
  const information = pmi(counts), positive = ppmi(counts);
  const I = matrix("I", "PMI", information, (t, c) => [p[t][c].key, pt[t].key, pc[c].key]);
  const M = matrix("M", "PPMI", positive, (t, c) => [I[t][c].key]);
  const joint = table(["p(t, c)", ...words, "p(t)"], [
    ...words.map((word, t) => [{ head: word }, ...p[t], pt[t]]), [{ head: "p(c)" }, ...pc, ""]]);
  const stages = [
    stage("Counts", "How often each target (row) was seen with each context (column). Change any number.", [], shape(W)),
    stage("Probabilities", "Divided by their total, counts are probabilities of a pair; their sums those of a target " +
      "and of a context.", ["40", "40-targets", "40-contexts"], joint, table(["total"], [[N]])),
    stage("PMI", "How much more often the pair occurs than if its words were independent; for a pair that never occurs " +
      "it is minus infinity.", ["41"], shape(I)),
    stage("PPMI", "What is negative says little, as few meetings were expected: cut off at zero.", ["42"], shape(M)),
  ];
  return { sheet, stages, words, M, values: positive };
}

function svdStages(state) {
  const { sheet, stages, words, M, values: matrix } = countingStages(state);
  const keys = (list) => list.map((quantity) => quantity.key), all = keys(M.flat());
  const { values, left, right } = svd(matrix), k = Math.min(state.k, words.length);
  const S = values.map((value, i) => sheet.put(`S:${i}`, `S_${i + 1}`, value, all));
  const A = range(k).map((i) => sheet.put(`A:${i}`, `A_${i + 1}`, left[i], all));
  const C = range(k).map((i) => sheet.put(`C:${i}`, `C_${i + 1}`, right[i], all));
  const short = words.map((_, t) => range(k).map((i) => left[i][t] * values[i]));
  const x = words.map((word, t) => sheet.put(`x:${t}`, `x_${word}`, short[t], [...keys(A), ...keys(S.slice(0, k))]));
  const near = words.map((word, t) => words.map((other, c) =>
    sheet.put(`cos:${t}:${c}`, `cos_${word}, ${other}`, cosine(short[t], short[c]), [...new Set([x[t].key, x[c].key])])));
  const lost = sheet.put("lost", "‖M − M‖²_k", sum(values.slice(k).map((value) => value ** 2)), keys(S.slice(k)));
  return { sheet, stages: [
    ...stages,
    stage("SVD", `The matrix of rank k = ${k} that is closest to M. The components of A and C belong to the words in ` +
      "turn.", ["43", "43-lost"],
      table(["i", "S"], S.map((one, i) => [{ head: String(i + 1) }, one])),
      table(["i", "A", "C"], A.map((one, i) => [{ head: String(i + 1) }, one, C[i]])),
      table(["what is lost"], [[lost]])),
    stage("Vectors", "The rows of A S: k numbers a word, with the inner products of the long rows.", ["44"],
      table(["w", "x"], words.map((word, t) => [{ head: word }, x[t]]))),
    stage("Cosines", "Similar words have similar neighbours, and so a cosine near 1.", ["45"],
      table(["", ...words], words.map((word, t) => [{ head: word }, ...near[t]]))),
  ] };
}

function inWindow(stages) {
  return (state) => {
    const setting = windowSetting(state);
    if (setting.outsides.length > 0) return { sheet: setting.sheet, stages: stages(setting) };
    const [first, second] = openingStages(setting);
    return { sheet: setting.sheet, stages: [{ ...first, text: "There is no outside word beside this centre word " +
      "(copies of it are left out): choose another one, or change the sentence." }, second] };
  };
}

const METHODS = {
  sigmoid: sigmoidStages,
  naiveSoftmaxLossAndGradient: inWindow(predictionStages),
  negSamplingLossAndGradient: inWindow(predictionStages),
  skipgram: inWindow(predictionStages),
  cbow: inWindow(cbowStages),
  ppmi: countingStages,
  svd: svdStages,
};
