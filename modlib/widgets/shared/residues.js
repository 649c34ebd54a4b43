// Z_n: frequencies, waves, units.

/** The greatest common divisor. */
const divisor = (x, y) => (y ? divisor(y, x % y) : x);

/** The residue of any whole number. */
const residue = (x, n) => ((x % n) + n) % n;

/** The frequency of a real signal that f modulo n stands for: 0 .. n / 2. */
const folded = (f, n) => Math.min(residue(f, n), residue(-f, n));

/** The step between answers that a frequency hardly tells apart. */
function stepOf(freq, n) {
  const g = divisor(freq, n);
  for (let step = 1; step < n; step++) if ((step * freq) % n === g) return folded(step, n / g) || 1;
  return 1;
}

/** Residues with an inverse modulo n. */
const unitsOf = (n) =>
  Array.from({ length: n - 1 }, (_, i) => i + 1).filter((u) => divisor(u, n) === 1);

/**
 * The wave of frequency f in a signal on Z_n: 2 r cos(2 pi (f k - t) / n), t in 0 .. n.
 */
function waveOf(signal, f) {
  const n = signal.length;
  let x = 0, y = 0;
  for (let k = 0; k < n; k++) {
    const turn = (2 * Math.PI * ((f * k) % n)) / n;
    x += (signal[k] * Math.cos(turn)) / n;
    y += (signal[k] * Math.sin(turn)) / n;
  }
  return { r: Math.hypot(x, y), t: residue((Math.atan2(y, x) * n) / (2 * Math.PI), n) };
}
