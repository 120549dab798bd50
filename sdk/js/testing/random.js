// The host's random bytes, so that a recorded delivery gets the same ones: ChaCha20 (RFC 8439 section 2.3, with the original
// 64-bit counter and nonce, both from zero) keyed with the delivery's seed. Each request takes whole words of four bytes.

/** A source of random bytes. */
export class Random {
  #seed;
  #position = 0;

  constructor(seed) {
    this.#seed = seed;
  }

  bytes(count) {
    const skip = (this.#position % 16) * 4;
    const found = [];
    for (let number = Math.floor(this.#position / 16); found.length < skip + count; number += 1) {
      for (const word of block(this.#seed, number)) {
        found.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
      }
    }
    this.#position += Math.ceil(count / 4);
    return Uint8Array.from(found.slice(skip, skip + count));
  }
}

function block(seed, number) {
  const state = new Uint32Array(16);
  state.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  const key = new DataView(seed.buffer, seed.byteOffset, 32);
  for (let word = 0; word < 8; word += 1) state[4 + word] = key.getUint32(word * 4, true);
  state[12] = number % 2 ** 32;
  state[13] = Math.floor(number / 2 ** 32);
  const mixed = state.slice();
  for (let round = 0; round < 10; round += 1) {
    for (const [a, b, c, d] of [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]]) quarter(mixed, a, b, c, d);
    for (const [a, b, c, d] of [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]]) quarter(mixed, a, b, c, d);
  }
  return mixed.map((word, index) => word + state[index]);
}

function quarter(state, a, b, c, d) {
  for (const [to, add, turned, by] of [[a, b, d, 16], [c, d, b, 12], [a, b, d, 8], [c, d, b, 7]]) {
    state[to] += state[add];
    const mixed = state[turned] ^ state[to];
    state[turned] = (mixed << by) | (mixed >>> (32 - by));
  }
}

/** The seed of a delivery of a case: the case's for the first, and another one for each later one. */
export function seedOf(seed, index) {
  const own = seed.slice();
  const view = new DataView(own.buffer);
  view.setUint32(28, view.getUint32(28) ^ index);
  return own;
}
