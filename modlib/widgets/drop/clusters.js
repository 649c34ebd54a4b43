// Clusters as modlib.analysis.meso.clusters finds them: live neurons by their strongest frequency, a
// fine-tuning neuron by that of its family.

const DEAD_BELOW = 0.03, FINE_TUNING_FROM = 0.3, HARMONIC_SHARE = 0.8, NOISE = 1e-3, SAME_FAMILY = 0.5, MIN_SIZE = 3;

/** How many frequencies may make up a fine-tuning neuron. */
const harmonicCount = (n) => Math.max(1, Math.min(6, Math.floor(Math.floor(n / 2) / 7)));

/**
 * Share of power in the strongest frequencies under which a neuron is diffuse: what noise passes in
 * NOISE of neurons, by C(m, k) P(Beta(k, m - k) > x), at least HARMONIC_SHARE.
 */
function concentratedFrom(n) {
  const m = Math.floor(n / 2), k = harmonicCount(n);
  if (m <= k) return HARMONIC_SHARE;
  const choose = (all, some) => Array.from({ length: some }, (_, i) => (all - i) / (i + 1)).reduce((x, y) => x * y, 1);
  const beyond = (x) => Array.from({ length: k }, (_, j) => choose(m - 1, j) * x ** j * (1 - x) ** (m - 1 - j)).reduce((p, q) => p + q);
  let low = 0, high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (choose(m, k) * beyond(middle) > NOISE) low = middle;
    else high = middle;
  }
  return Math.max(HARMONIC_SHARE, low);
}

/** Power of the frequencies 0 .. n / 2 of each column of (n, width) signals, without the mean. */
function powers(signals, n, width, into = new Float64Array(width * (Math.floor(n / 2) + 1))) {
  const rows = Math.floor(n / 2) + 1, wave = Float64Array.from({ length: n }, (_, x) => Math.cos((2 * Math.PI * x) / n));
  const sine = Float64Array.from({ length: n }, (_, x) => Math.sin((2 * Math.PI * x) / n));
  for (let f = 1; f < rows; f++) {
    const real = new Float64Array(width), imaginary = new Float64Array(width), both = 2 * f === n ? 1 : 2;
    for (let x = 0; x < n; x++)
      for (let j = 0, at = (f * x) % n; j < width; j++) {
        real[j] += wave[at] * signals[x * width + j];
        imaginary[j] += sine[at] * signals[x * width + j];
      }
    for (let j = 0; j < width; j++) into[j * rows + f] += (both * (real[j] ** 2 + imaginary[j] ** 2)) / n ** 2;
  }
  return into;
}

/** Strength of each neuron against the strongest: what it hears times what it says, 0 where silent. */
function strengthsOf({ n, k, preA, preB, bias, out }, totals) {
  const most = (signals, j) => {
    let high = -Infinity;
    for (let x = 0; x < n; x++) high = Math.max(high, signals[x * k + j]);
    return high;
  };
  const raw = Float64Array.from({ length: k }, (_, j) => {
    const said = out.subarray(j * n, (j + 1) * n), mean = said.reduce((x, y) => x + y) / n;
    const loud = Math.sqrt(said.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    return most(preA, j) + most(preB, j) + bias[j] > 0 ? Math.sqrt(totals[j]) * loud : 0;
  });
  const highestOf = raw.reduce((x, y) => Math.max(x, y), 0);
  return highestOf > 0 ? raw.map((value) => value / highestOf) : raw;
}

/** The strongest frequency of the family of each of these neurons: spectra of one shape, in chains. */
function familyFreqs(shares, members) {
  const units = members.map((j) => {
    const length = Math.hypot(...shares[j]);
    return shares[j].map((value) => value / length);
  });
  const family = members.map((_, i) => i);
  const alike = (i, j) => units[i].reduce((sum, value, f) => sum + value * units[j][f], 0) >= SAME_FAMILY;
  for (let i = 0; i < members.length; i++)
    for (let j = 0; j < i; j++)
      if (family[i] !== family[j] && alike(i, j)) {
        const [kept, gone] = [family[j], family[i]];
        family.forEach((one, place) => one === gone && (family[place] = kept));
      }
  return members.map((_, i) => {
    const sum = new Float64Array(units[i].length);
    members.forEach((j, place) => family[place] === family[i] && shares[j].forEach((value, f) => (sum[f] += value)));
    return highest(sum);
  });
}

/**
 * The clusters by falling size, each a frequency, its step and its neurons; `shares`: of the power of
 * what each neuron hears, by frequency; `live`: neurons that are not dead.
 */
function clustersOf(tables) {
  const { n, k, preA, preB } = tables, rows = Math.floor(n / 2) + 1;
  const power = powers(preB, n, k, powers(preA, n, k));
  const spectra = Array.from({ length: k }, (_, j) => power.subarray(j * rows, (j + 1) * rows));
  const totals = spectra.map((own) => own.reduce((x, y) => x + y, 0));
  const shares = spectra.map((own, j) => own.map((value) => (totals[j] > 0 ? value / totals[j] : 0)));
  const strength = strengthsOf(tables, totals), count = harmonicCount(n), concentrated = concentratedFrom(n);
  const freqs = new Int32Array(k).fill(-1), tuning = [], live = [];
  shares.forEach((own, j) => {
    if (strength[j] < DEAD_BELOW) return;
    live.push(j);
    const best = highest(own), top = [...own].sort((x, y) => y - x).slice(0, count).reduce((x, y) => x + y);
    if (top < concentrated) return;
    if (Math.sqrt(Math.max(0, 1 - own[best])) >= FINE_TUNING_FROM) tuning.push(j);
    else freqs[j] = best;
  });
  familyFreqs(shares, tuning).forEach((freq, i) => (freqs[tuning[i]] = freq));
  const groups = Array.from({ length: rows }, (_, freq) => ({ freq, step: freq && stepOf(freq, n), neurons: live.filter((j) => freqs[j] === freq) }));
  const clusters = groups.filter(({ neurons }) => neurons.length >= MIN_SIZE)
    .sort((one, other) => other.neurons.length - one.neurons.length || one.freq - other.freq);
  return { clusters, shares, live };
}
