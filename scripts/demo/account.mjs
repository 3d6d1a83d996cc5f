/*
 * The account of a run, order by order. Pure: everything that was sent, every effect and every dead letter go in, and
 * what is lost, double or wrong comes out by its id.
 */

/**
 * @param sent `[{ id, kind: 'good' | 'bug' | 'malformed', body, copies }]`, each id once.
 * @param effects `{ orders: [id], payments: [id], shipping: [id] }`, one entry for each effect.
 * @param deadLetters the same consumers: `[{ id, token, body }]`, one entry for each message in the queue.
 * @param waiting `{ where: messages }` that are still under way; empty when nothing is.
 * @param charged the orders the payment service has charged, one entry for each charge.
 */
export function settleAccount({ sent, effects, deadLetters, waiting, charged }) {
  // What is on its way is not lost yet.
  const isQuiet = Object.keys(waiting).length === 0;
  const good = sent.filter(({ kind }) => kind === 'good');
  const consumers = Object.keys(effects).map((consumer) =>
    settleConsumer({
      consumer,
      // Orders get everything that is published; the others hear of what became an order.
      expected: consumer === 'orders' ? sent : good,
      effects: effects[consumer],
      letters: deadLetters[consumer],
      isQuiet,
    }),
  );
  const problems = [
    ...consumers.flatMap(({ problems: own }) => own),
    ...Object.entries(waiting).map(([where, count]) => ({
      what: `not at its end: ${where}`,
      ids: [`${count} messages`],
    })),
    ...problem('paid without a charge', missingFrom(new Set(charged), effects.payments)),
    ...problem('charged twice', repeatedIn(charged)),
  ];
  return { consumers, problems, passed: problems.length === 0 };
}

function settleConsumer({ consumer, expected, effects, letters, isQuiet }) {
  const effectsOf = countBy(effects);
  const lettersOf = groupById(letters);
  const known = new Set(expected.map(({ id }) => id));
  const found = { missing: [], twice: [], wrongEnd: [], altered: [] };
  for (const { id, kind, body } of expected) {
    const done = effectsOf.get(id) ?? 0;
    const dead = lettersOf.get(id) ?? [];
    // A copy sent again after a crash carries the token of the first: to whoever reads the queue it is one.
    const different = new Set(dead.map(({ token }, index) => token ?? index)).size;
    if (done + different === 0) found.missing.push(id);
    if (done + different > 1) found.twice.push(id);
    if (consumer !== 'orders') continue;
    if (kind === 'good' ? dead.length > 0 : done > 0) found.wrongEnd.push(id);
    if (dead.some((letter) => !letter.body.equals(body))) found.altered.push(id);
  }
  const strangers = [...effectsOf.keys(), ...lettersOf.keys()].filter((id) => !known.has(id)).map(String);
  return {
    consumer,
    expected: expected.length,
    effects: effects.length,
    dead: lettersOf.size,
    waiting: isQuiet ? 0 : found.missing.length,
    lost: isQuiet ? found.missing.length : 0,
    twice: found.twice.length,
    problems: [
      ...problem(`${consumer}: ${isQuiet ? 'lost' : 'came to no end'}`, found.missing),
      ...problem(`${consumer}: more than one end`, found.twice),
      ...problem(`${consumer}: a good order is dead, or a bad one took effect`, found.wrongEnd),
      ...problem(`${consumer}: the body of the dead letter is not what was sent`, found.altered),
      ...problem(`${consumer}: never sent`, strangers),
    ],
  };
}

const problem = (what, ids) => (ids.length > 0 ? [{ what, ids }] : []);
const missingFrom = (set, ids) => ids.filter((id) => !set.has(id));
const repeatedIn = (ids) => [...countBy(ids)].filter(([, count]) => count > 1).map(([id]) => id);

function countBy(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function groupById(letters) {
  const groups = new Map();
  for (const letter of letters) groups.set(letter.id, [...(groups.get(letter.id) ?? []), letter]);
  return groups;
}

/** The account as a table, and what is wrong with the first ids. */
export function wordAccount({ consumers, problems }) {
  const rows = [
    ['', 'published', 'effects', 'dead letters', 'waiting', 'lost', 'twice'],
    ...consumers.map(({ consumer, expected, effects, dead, waiting, lost, twice }) => [
      consumer,
      expected,
      effects,
      dead,
      waiting,
      lost,
      twice,
    ]),
  ];
  const table = rows.map(([head, ...cells]) =>
    [head.padEnd(10), ...cells.map((cell) => String(cell).padStart(13))].join(''),
  );
  return [
    ...table,
    ...problems.map(({ what, ids }) => `  ${what} (${ids.length}): ${ids.slice(0, 5).join(', ')}`),
  ].join('\n');
}
