// Philox4x32-10 as in modlib.maths.rng: the same (seed, stream, index) gives the same words.

const SPLIT = 0, INIT = 1, SHUFFLE = 2, INTERVENTION = 3, CONTROL = 6;

/** The upper 32 bits of a product of two 32-bit numbers. */
function upper(x, y) {
  const xl = x & 0xffff, xh = x >>> 16, yl = y & 0xffff, yh = y >>> 16;
  const middle = xh * yl + ((xl * yl) >>> 16);
  const other = xl * yh + (middle & 0xffff);
  return (xh * yh + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

/** `count` uniform words of a seed's stream. */
function philoxWords(seed, stream, index, count) {
  const words = new Uint32Array(4 * Math.ceil(count / 4));
  for (let block = 0; 4 * block < count; block++) {
    let c0 = block, c1 = 0, c2 = index, c3 = stream;
    let k0 = seed >>> 0, k1 = Math.floor(seed / 2 ** 32) >>> 0;
    for (let round = 0; round < 10; round++) {
      const high0 = upper(0xd2511f53, c0), low0 = Math.imul(0xd2511f53, c0) >>> 0;
      const high1 = upper(0xcd9e8d57, c2), low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
      c0 = (high1 ^ c1 ^ k0) >>> 0;
      c1 = low1;
      c2 = (high0 ^ c3 ^ k1) >>> 0;
      c3 = low0;
      k0 = (k0 + 0x9e3779b9) >>> 0;
      k1 = (k1 + 0xbb67ae85) >>> 0;
    }
    words.set([c0, c1, c2, c3], 4 * block);
  }
  return words.subarray(0, count);
}

/** Uniforms in (0, 1). */
function philoxUniforms(seed, stream, index, count) {
  return Float64Array.from(philoxWords(seed, stream, index, count), (word) => (word + 0.5) / 2 ** 32);
}

/** Standard normals by the Box-Muller transform. */
function philoxNormals(seed, stream, index, count) {
  const drawn = philoxUniforms(seed, stream, index, 2 * Math.ceil(count / 2));
  for (let i = 0; i < drawn.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(drawn[i])), angle = 2 * Math.PI * drawn[i + 1];
    drawn[i] = radius * Math.cos(angle);
    drawn[i + 1] = radius * Math.sin(angle);
  }
  return drawn.subarray(0, count);
}

/** A permutation of 0 .. count - 1: the order of `count` words, ties by position. */
function philoxPermutation(seed, stream, index, count) {
  const words = philoxWords(seed, stream, index, count);
  // A word and a position of at most 21 bits fit the 53 bits of one number, which sorts fast.
  return Float64Array.from(words, (word, i) => word * 2 ** 21 + i)
    .sort()
    .map((keyed) => keyed % 2 ** 21);
}

