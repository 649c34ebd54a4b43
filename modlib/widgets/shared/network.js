// A trained network in the page, and a look at its answers on all pairs.

/** Where the values are highest, apart from one place. */
function highest(values, except = -1) {
  let best = except === 0 ? 1 : 0;
  for (let c = 0; c < values.length; c++) if (c !== except && values[c] > values[best]) best = c;
  return best;
}

/**
 * What a network says, from `tables`: preA and preB, (n, neuron), what neurons hear of a and of b, the
 * bias with it; out, (neuron, answer); biasOut. `clusters` have the neurons' places.
 */
function speaking(n, k, clusters, tables) {
  const owner = new Int32Array(k).fill(-1); // the cluster of each neuron
  clusters.forEach(({ neurons }, i) => neurons.forEach((neuron) => (owner[neuron] = i)));

  /** Adds what one neuron says at (a, b) to `sum`. */
  function say(neuron, a, b, sum) {
    const { preA, preB, out } = tables, active = preA[a * k + neuron] + preB[b * k + neuron];
    if (active <= 0) return;
    for (let c = 0, from = neuron * n; c < n; c++) sum[c] += active * out[from + c];
  }

  /** Which neurons are on when the clusters of `off` are not (number -1: neurons of none). */
  const without = (off) => Uint8Array.from(owner, (cluster) => (off.includes(cluster) ? 0 : 1));

  /** Logits at (a, b) of the neurons that are on. */
  function logits(a, b, on, sum = new Float64Array(n)) {
    sum.set(tables.biasOut);
    for (let j = 0; j < k; j++) if (on[j]) say(j, a, b, sum);
    return sum;
  }

  /** What some neurons add to the logits, less its mean over the answers. */
  function voteOf(neurons, a, b) {
    const sum = new Float64Array(n);
    neurons.forEach((neuron) => say(neuron, a, b, sum));
    const mean = sum.reduce((x, y) => x + y) / n;
    return sum.map((value) => value - mean);
  }
  const votes = (a, b) => clusters.map(({ neurons }) => voteOf(neurons, a, b));
  const vote = (neuron, a, b) => voteOf([neuron], a, b);
  return { votes, vote, logits, without, setNoise() {}, owner, loose: owner.includes(-1) };
}

/**
 * The network's votes and logits, from its weights. Noise multiplies weights by exp(sigma z): those
 * of one cluster's neurons, or of all (-2).
 */
function network(model) {
  const n = model.get("n"), { embed_dim: e, num_neurons: k } = model.get("shape");
  const flat = numbers(model.get("weights"));
  let start = 0;
  const take = (count) => flat.subarray(start, (start += count));
  const embedA = take(n * e), embedB = take(n * e), hidden = take(2 * e * k), bias = take(k);
  const unembed = take(n * k), biasOut = take(n), seed = model.get("seed");
  const now = { preA: null, preB: null, out: null, biasOut };
  const says = speaking(n, k, model.get("clusters"), now);
  let drawn = null; // the normals z, drawn when noise is first asked for

  let sigma, part;
  function setNoise(value, which = -2) {
    if (value === sigma && which === part) return;
    [sigma, part] = [value, which];
    const neuronOf = [(j) => Math.floor(j / (2 * e)), (j) => j, (j) => j % k];
    const tables = [hidden, bias, unembed];
    if (sigma)
      drawn ??= tables.map((weights, i) => philoxNormals(seed, INTERVENTION, i, weights.length));
    const isNoisy = (neuron) => which === -2 || says.owner[neuron] === which;
    const [w, b, u] = tables.map((weights, i) => !sigma ? weights : weights.map((weight, j) =>
      isNoisy(neuronOf[i](j)) ? weight * Math.exp(sigma * drawn[i][j]) : weight));
    now.preA = new Float64Array(n * k);
    now.preB = new Float64Array(n * k);
    now.out = new Float64Array(k * n); // by neuron, so that one neuron's row lies together
    for (let j = 0; j < k; j++) {
      for (let x = 0; x < n; x++) {
        let a = 0, c = b[j];
        for (let i = 0; i < e; i++) {
          a += embedA[x * e + i] * w[j * 2 * e + i];
          c += embedB[x * e + i] * w[j * 2 * e + e + i];
        }
        now.preA[x * k + j] = a;
        now.preB[x * k + j] = c;
        now.out[j * n + x] = u[x * k + j];
      }
    }
  }
  const heardOfA = (neuron, a) => now.preA[a * k + neuron];
  /** One neuron's three signals on Z_n, without noise, and its bias. */
  const signals = (neuron) => ({
    a: Float64Array.from({ length: n }, (_, x) => now.preA[x * k + neuron]),
    b: Float64Array.from({ length: n }, (_, x) => now.preB[x * k + neuron] - bias[neuron]),
    c: now.out.slice(neuron * n, (neuron + 1) * n),
    bias: bias[neuron],
  });
  return { ...says, heardOfA, signals, setNoise };
}

/**
 * Goes over all pairs, a few milliseconds a time, so that dragging stays smooth. `prepare` is called
 * before each part, and ends it all by `false`; `done` gets which pairs are right, their mean loss and their smallest margin.
 */
function overAllPairs(n, prepare, logitsAt, done) {
  const right = new Uint8Array(n * n), sum = new Float64Array(n);
  let pair = 0, loss = 0, margin = Infinity;
  (function some() {
    const until = performance.now() + 6;
    if (prepare() === false) return;
    for (; pair < n * n && (pair % 16 || performance.now() < until); pair++) {
      const a = Math.floor(pair / n), b = pair % n, answer = (a + b) % n;
      logitsAt(a, b, sum);
      const other = sum[highest(sum, answer)], gap = sum[answer] - other, most = Math.max(sum[answer], other);
      right[pair] = gap > 0 ? 1 : 0; // a tie is wrong
      margin = Math.min(margin, gap);
      let total = 0;
      for (let c = 0; c < n; c++) total += Math.exp(sum[c] - most);
      loss += most + Math.log(total) - sum[answer];
    }
    if (pair < n * n) return void setTimeout(some, 0);
    done({ right, total: right.reduce((x, y) => x + y, 0), loss: loss / (n * n), margin });
  })();
}

/** The square of all pairs: a down, b across, wrong ones in colour; a star at one pair. */
function drawPairs(pen, width, n, right, wrong, line) {
  const cell = width / n;
  pen.fillStyle = wrong;
  for (let pair = 0; right && pair < n * n; pair++)
    if (!right[pair])
      pen.fillRect((pair % n) * cell, Math.floor(pair / n) * cell, cell + 0.4, cell + 0.4);
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  pen.strokeRect(0.5, 0.5, width - 1, width - 1);
}

/** "8,200 of all 8,281 pairs right: 99.0 %". */
function scored(total, n) {
  const share = ((100 * total) / (n * n)).toFixed(total === n * n ? 0 : 1);
  return `${thousands(total)} of all ${thousands(n * n)} pairs right: ${share} %`;
}

/** The place of every answer in the order that makes one wave of frequency f (0: as they are). */
function places(n, freq) {
  const order = Array.from({ length: n }, (_, c) => c);
  order.sort((x, y) => ((x * freq) % n) - ((y * freq) % n) || x - y);
  const place = new Float64Array(n);
  order.forEach((c, i) => (place[c] = i));
  return place;
}

