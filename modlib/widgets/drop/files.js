// Files of arrays: safetensors, and npz, a zip file of npy. Nothing that they say is trusted: what
// cannot be read is refused in a line.

const MOST_BYTES = 2 ** 25, MOST_HEADER = 2 ** 20, MOST_ARRAYS = 1000, MOST_WEIGHT = 1e15;

/** What a reader is told of a file. */
class Refused extends Error {}
const refuse = (why) => {
  throw new Refused(why);
};

const scratch = new DataView(new ArrayBuffer(4));
/** A number of 16 bits: one of sign, five of exponent, ten of fraction. */
function float16(view, at) {
  const bits = view.getUint16(at, true), exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent === 31 ? (fraction ? NaN : Infinity)
    : exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction;
  return bits >> 15 ? -size : size;
}
/** The upper half of a number of 32 bits. */
function bfloat16(view, at) {
  scratch.setUint32(0, view.getUint16(at, true) << 16);
  return scratch.getFloat32(0);
}
const float32 = (view, at) => view.getFloat32(at, true), float64 = (view, at) => view.getFloat64(at, true);
/** Types by their names in both formats: bytes of a number, and how it is read. */
const FLOATS = { F64: [8, float64], F32: [4, float32], F16: [2, float16], BF16: [2, bfloat16],
  "<f8": [8, float64], "<f4": [4, float32], "<f2": [2, float16] };

/** Numbers in an array of a shape, a whole number of at least 0 an axis. */
function sizeOf(name, shape) {
  const good = Array.isArray(shape) && shape.every((axis) => Number.isSafeInteger(axis) && axis >= 0);
  if (!good) refuse(`${name} has a shape that is none`);
  return shape.reduce((x, y) => x * y, 1);
}

/** Safetensors: eight bytes of a header's length, the header in JSON, the numbers. */
function tensorsIn(view) {
  const length = view.byteLength < 8 ? Infinity : Number(view.getBigUint64(0, true));
  const room = view.byteLength - 8 - length;
  if (length > MOST_HEADER || room < 0)
    refuse("it is no .safetensors or .npz file, or its header says that it is longer than the file");
  const text = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(view.buffer, view.byteOffset + 8, length));
  const header = JSON.parse(text), entries = Object.entries(header ?? {});
  return entries.filter(([name]) => name !== "__metadata__").map(([name, told]) => {
    const { dtype, shape, data_offsets: [start, stop] } = told;
    const inside = Number.isSafeInteger(start) && Number.isSafeInteger(stop) && start >= 0 && start <= stop && stop <= room;
    const count = sizeOf(name, shape);
    if (FLOATS[dtype] && (!inside || stop - start !== count * FLOATS[dtype][0]))
      refuse(`${name} does not lie where the header says`);
    return { name, dtype, shape, view, from: 8 + length + start };
  });
}

/** The bytes of a member of a zip file, which says how many they are. */
async function unpacked(packed, method, size) {
  if (method === 0) return packed;
  if (method !== 8) refuse("it is packed in a way that is not known here");
  if (!("DecompressionStream" in globalThis))
    refuse("this browser cannot unpack it: numpy.savez, not savez_compressed, writes a file that it can read");
  const out = new Uint8Array(size);
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  let at = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (at + part.value.length > size) {
      reader.cancel();
      refuse("a part of it is longer than it says");
    }
    out.set(part.value, at);
    at += part.value.length;
  }
  if (at < size) refuse("a part of it is shorter than it says");
  return out;
}

/** The members of a zip file by its own list, which stands at the end. */
function membersOf(view) {
  let end = view.byteLength - 22;
  const first = Math.max(0, end - 65535);
  while (end >= first && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < first) refuse("it ends too early");
  const count = view.getUint16(end + 10, true), members = [];
  if (count > MOST_ARRAYS) refuse(`it holds more than ${MOST_ARRAYS} arrays`);
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== 0x02014b50) refuse("its list of contents is damaged");
    const [nameLength, extra, remark] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const local = view.getUint32(at + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    members.push({ name: new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, nameLength)),
      method: view.getUint16(at + 10, true), size: view.getUint32(at + 24, true),
      packed: new Uint8Array(view.buffer, start, view.getUint32(at + 20, true)) });
    at += 46 + nameLength + extra + remark;
  }
  return members;
}

/** The arrays of an npz file. */
async function arraysIn(view) {
  const members = membersOf(view);
  if (members.some(({ name }) => /\.pkl$/.test(name)))
    refuse("it is a file of torch.save, which needs Python");
  if (members.reduce((sum, { size }) => sum + size, 0) > 2 * MOST_BYTES)
    refuse(`unpacked it is larger than ${(2 * MOST_BYTES) / 2 ** 20} MB`);
  return Promise.all(members.map(async ({ name, method, size, packed }) =>
    npy(name.replace(/\.npy$/, ""), await unpacked(packed, method, size))));
}

/** An npy file: what its header says in Python's words, and where its numbers begin. */
function npy(name, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0x934e554d) refuse(`${name} is no array`);
  const old = view.getUint8(6) === 1, from = old ? 10 : 12;
  const length = old ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(from, from + length));
  const said = (pattern) => header.match(pattern)?.[1] ?? refuse(`${name} has a header that is none`);
  const dtype = said(/'descr':\s*'([^']*)'/), turned = said(/'fortran_order':\s*(True|False)/) === "True";
  const shape = said(/'shape':\s*\(([\d\s,]*)\)/).split(",").filter((axis) => axis.trim()).map(Number);
  return { name, dtype, shape, view, from: from + length, turned };
}

/** An array's numbers in the order of its rows; `turned`: they lie in that of its columns. */
function readNumbers({ name, dtype, shape, view, from, turned }) {
  const [size, read] = FLOATS[dtype], count = sizeOf(name, shape), values = new Float64Array(count);
  const across = turned && shape.length === 2 ? shape[1] : 1, down = count / across;
  for (let i = 0; i < count; i++) {
    const value = read(view, from + i * size);
    if (!(Math.abs(value) <= MOST_WEIGHT)) refuse(`${name} holds NaN, infinity or numbers beyond ${MOST_WEIGHT}`);
    values[across > 1 ? (i % down) * across + Math.floor(i / down) : i] = value;
  }
  return { shape, values };
}

/** The arrays in a file's bytes by name: shape, and values as float64. Raises `Refused`. */
async function arraysOf(buffer) {
  if (buffer.byteLength > MOST_BYTES) refuse(`it is larger than ${MOST_BYTES / 2 ** 20} MB`);
  const view = new DataView(buffer);
  try {
    const zipped = view.byteLength >= 22 && view.getUint32(0) === 0x504b0304;
    const found = zipped ? await arraysIn(view) : tensorsIn(view);
    if (found.length > MOST_ARRAYS) refuse(`it holds more than ${MOST_ARRAYS} arrays`);
    for (const { name, dtype } of found)
      if (!Object.hasOwn(FLOATS, dtype)) refuse(`${name} is of type ${String(dtype).slice(0, 20)}: numbers of 16, 32 or 64 bits with a point are read`);
    if (found.reduce((sum, { name, shape }) => sum + sizeOf(name, shape), 0) > MOST_BYTES / 2)
      refuse("its arrays are larger than the file");
    return new Map(found.map((one) => [one.name, readNumbers(one)]));
  } catch (error) {
    throw error instanceof Refused ? error : new Refused("it is damaged"); // whatever the bytes led to
  }
}
