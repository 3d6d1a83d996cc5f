/** On every message: a dead letter keeps the headers of its producer, and by this one it is found in the ledger. */
export const DEMO_HEADER = 'demo-id';

const MALFORMED = [
  (n) => ({ body: `{"id": "${malformedId(n)}", "customer": "half an ord`, what: 'cut in the middle' }),
  (n) => ({ body: JSON.stringify({ id: malformedId(n), customer: 'Bo' }), what: 'without an amount' }),
  (n) => ({
    body: JSON.stringify({ id: malformedId(n), customer: 'Bo', amount: 'much' }),
    what: 'amount in words',
  }),
  (n) => ({ body: Buffer.from([0xff, 0xfe, 0x00, n & 0xff, 0x80]), what: 'not even text' }),
  (n) => ({ body: JSON.stringify([malformedId(n)]), what: 'a list' }),
  (n) => ({ body: '['.repeat(500) + n, what: 'nested too deeply' }),
  (n) => ({
    body: `not gzip ${n}`,
    properties: { contentEncoding: 'gzip' },
    what: 'not compressed as it says',
  }),
  (n) => ({
    body: JSON.stringify({ ...order(n), id: malformedId(n) }),
    properties: { messageId: undefined },
    what: 'without an id',
  }),
];

/**
 * What a shop sends: mostly good orders; now and then one that meets a bug in the handler, one sent twice, one that is
 * malformed. Every message is different, and the same run of them comes each time.
 */
export class Orders {
  #sent = 0;
  #malformed = 0;
  #repeatable = [];

  next() {
    const n = (this.#sent += 1);
    if (n % 50 === 17) return this.malformed();
    if (n % 23 === 9 && this.#repeatable.length > 0) return this.#repetition(n);
    const isBug = n % 40 === 5;
    const message = {
      id: orderId(n),
      kind: isBug ? 'bug' : 'good',
      body: Buffer.from(JSON.stringify({ ...order(n), ...(isBug && { note: 'bug' }) })),
      properties: { messageId: orderId(n), contentType: 'application/json' },
    };
    this.#repeatable.push(message);
    if (this.#repeatable.length > 100) this.#repeatable.shift();
    return message;
  }

  /** One that nobody can handle, each time of another sort. */
  malformed() {
    const n = (this.#malformed += 1);
    const { body, properties } = MALFORMED[n % MALFORMED.length](n);
    const id = malformedId(n);
    return {
      id,
      kind: 'malformed',
      body: Buffer.from(body),
      properties: { messageId: id, contentType: 'application/json', ...properties },
    };
  }

  /** The same message again: sometimes the one just sent, so that both are under way at once, sometimes an old one. */
  #repetition(n) {
    const index = n % 2 === 0 ? this.#repeatable.length - 1 : n % this.#repeatable.length;
    return { ...this.#repeatable[index], isRepetition: true };
  }
}

export const orderId = (n) => `demo-${String(n).padStart(6, '0')}`;
const malformedId = (n) => `demo-malformed-${n}`;

const CUSTOMERS = ['Ada', 'Bo', 'Chidi', 'Dana', '李雷', 'Émile'];

const order = (n) => ({
  id: orderId(n),
  customer: CUSTOMERS[n % CUSTOMERS.length],
  amount: 500 + ((n * 37) % 9_500),
  delivery: n % 4 === 0 ? 'express' : 'standard',
});
