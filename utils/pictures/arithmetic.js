
// What the methods compute, as plain functions. A vector is an array of numbers, a matrix an array of rows; words are
// indices of rows. Equation numbers are those of docs/derivations.md. No argument is changed.

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const dot = (x, y) => sum(x.map((value, i) => value * y[i]));
const times = (factor, x) => x.map((value) => factor * value);
const plus = (x, y) => x.map((value, i) => value + y[i]);
const sumOfVectors = (vectors) => vectors.reduce(plus);
const zeros = (rows, columns) => Array.from({ length: rows }, () => Array(columns).fill(0));
const transposed = (matrix) => matrix[0].map((_, j) => matrix.map((row) => row[j]));

// 1 / (1 + exp(-x)), by an exponential that is at most 1 (23).
function sigmoid(x) {
  const e = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

// log(1 + exp(x)) = -log sigmoid(-x) (54).
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

// The largest score is subtracted first, which changes nothing (10) and keeps exp from overflowing.
function softmax(scores) {
  const largest = Math.max(...scores);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const total = sum(exponentials);
  return exponentials.map((value) => value / total);
}

function logSumExp(scores) {
  const largest = Math.max(...scores);
  return largest + Math.log(sum(scores.map((score) => Math.exp(score - largest))));
}

// Naive softmax of one pair: centre vector v, outside word o, outside vectors U.
function naiveSoftmax(v, o, U) {
  const scores = U.map((u) => dot(u, v));
  const yHat = softmax(scores);  // (9)
  const loss = logSumExp(scores) - scores[o];  // (11)
  const delta = yHat.map((p, w) => p - (w === o ? 1 : 0));  // (13)
  const gradV = sumOfVectors(U.map((u, w) => times(delta[w], u)));  // (14)
  const gradU = delta.map((value) => times(value, v));  // (19)
  return { scores, yHat, loss, delta, gradV, gradU };
}

// Negative sampling of one pair, with the negative samples given; a word may be among them several times.
function negativeSampling(v, o, negatives, U) {
  const targets = [o, ...negatives];
  const scores = targets.map((w) => dot(U[w], v));
  const sigmoids = scores.map(sigmoid);
  const terms = scores.map((score, k) => softplus(k === 0 ? -score : score));
  const loss = sum(terms);  // (27)
  const delta = sigmoids.map((value, k) => k === 0 ? -sigmoid(-scores[k]) : value);  // (28): sigmoid - 1 by (24)
  const gradV = sumOfVectors(targets.map((w, k) => times(delta[k], U[w])));  // (29)
  const gradU = zeros(U.length, v.length);
  targets.forEach((w, k) => { gradU[w] = plus(gradU[w], times(delta[k], v)); });  // (30), (35)
  return { targets, scores, sigmoids, terms, loss, delta, gradV, gradU };
}

// One window: sums over its pairs, each of them the result of one of the two functions above (36 to 38).
function windowOf(pairs) {
  return {
    loss: sum(pairs.map((pair) => pair.loss)),
    gradV: sumOfVectors(pairs.map((pair) => pair.gradV)),
    gradU: pairs.map((pair) => pair.gradU).reduce((total, gradU) => total.map((row, w) => plus(row, gradU[w]))),
  };
}

// CBOW with as many noise words as negative samples: the mean of the outside words predicts the centre word c (70).
function cbow(vectors, c, negatives, U) {
  const h = times(1 / vectors.length, sumOfVectors(vectors));
  const pair = negativeSampling(h, c, negatives, U);
  return { ...pair, h, gradH: pair.gradV, gradOfEach: times(1 / vectors.length, pair.gradV) };
}

const moved = (x, gradient, step) => plus(x, times(-step, gradient));

// The positions of the outside words of a window; copies of the centre word are left out.
function outsidePositions(sentence, centre, size) {
  return sentence.map((_, i) => i)
    .filter((i) => Math.abs(i - centre) <= size && sentence[i] !== sentence[centre]);
}

// Shares of the total (40): of each pair, each target and each context.
function shares(counts) {
  const total = sum(counts.flat());
  const joint = counts.map((row) => times(1 / total, row));
  return { total, joint, targets: joint.map(sum), contexts: transposed(joint).map(sum) };
}

// Pointwise mutual information (41); minus infinity for a pair that never occurred.
function pmi(counts) {
  const total = sum(counts.flat()), targets = counts.map(sum), contexts = transposed(counts).map(sum);
  return counts.map((row, t) => row.map((count, c) =>
    count === 0 ? -Infinity : Math.log(count / (targets[t] * contexts[c] / total))));
}

const ppmi = (counts) => pmi(counts).map((row) => row.map((value) => Math.max(value, 0)));  // (42)

// Singular value decomposition of M = A S C^T (43) by Jacobi's method: pairs of columns of M C are turned until all are
// at right angles. Rows of `left` and `right` are the columns of A and C, the largest singular value first.
function svd(matrix) {
  const columns = transposed(matrix), right = columns.map((_, i) => columns.map((_, j) => i === j ? 1 : 0));
  let turned = true;
  for (let sweep = 0; turned && sweep < 60; sweep++) {
    turned = false;
    for (let i = 0; i < columns.length; i++) {
      for (let j = i + 1; j < columns.length; j++) turned = turn(columns, right, i, j) || turned;
    }
  }
  const values = columns.map((column) => Math.sqrt(dot(column, column)));
  const noise = columns.length * Number.EPSILON * Math.max(...values);  // what rounding may leave of a zero
  const order = values.map((_, i) => i).sort((i, j) => values[j] - values[i]);
  const found = order.map((i) => {
    const value = values[i] > noise ? values[i] : 0;
    const left = times(value > 0 ? 1 / value : 0, columns[i]);
    const sign = signOf([...left, ...right[i]]);
    return { value, left: times(sign, left), right: times(sign, right[i]) };
  });
  return { values: found.map((f) => f.value), left: found.map((f) => f.left), right: found.map((f) => f.right) };
}

// Turn the columns i and j so that they are at right angles; whether they were not.
function turn(columns, right, i, j) {
  const [a, b, c] = [dot(columns[i], columns[i]), dot(columns[j], columns[j]), dot(columns[i], columns[j])];
  if (Math.abs(c) <= Number.EPSILON * Math.sqrt(a * b)) return false;
  const zeta = (b - a) / (2 * c);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent), sine = cosine * tangent;
  for (const vectors of [columns, right]) {
    const [x, y] = [vectors[i], vectors[j]];
    vectors[i] = plus(times(cosine, x), times(-sine, y));
    vectors[j] = plus(times(sine, x), times(cosine, y));
  }
  return true;
}

// The sign that makes the largest component positive; of those that differ by rounding only the first decides.
function signOf(x) {
  const largest = Math.max(...x.map(Math.abs));
  return x.find((value) => Math.abs(value) >= (1 - 1e-6) * largest) < 0 ? -1 : 1;
}

function cosine(x, y) {
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));  // (45)
}
