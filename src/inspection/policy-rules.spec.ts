import fc from 'fast-check';
import { consumerPlan, tierPlan } from '../topology/topology.module';
import { inspectedOf, type InspectedQueue } from './inspected';
import { judgeExchange, judgeQueue } from './policy-rules';
import type { QueueFacts } from './settings-in-force';

const NS = 'ns';
const work = { queue: 'orders', queueType: 'quorum' as const, declare: true, bindings: [] };
const { queues, exchanges } = inspectedOf(NS, [work], [60_000]);
const [theWork, theDeadLetters, theTier, theUnroutable] = queues as [
  InspectedQueue,
  InspectedQueue,
  InspectedQueue,
  InspectedQueue,
];
const theirs: InspectedQueue = { ...theWork, isOurs: false };

/** As Holdfast declares it. */
function argumentsOf(queue: InspectedQueue): Record<string, unknown> {
  const plans = [...consumerPlan(NS, work).queues, ...tierPlan(NS, 60_000).queues];
  return { ...(plans.find(({ name }) => name === queue.name)?.arguments ?? { 'x-queue-type': 'quorum' }) };
}

type Definition = Record<string, string | number>;

function under(definition: Definition, queue: InspectedQueue, more: Partial<QueueFacts> = {}): QueueFacts {
  const policy = { name: 'all', isOperator: false };
  const entries = Object.entries(definition).map(([key, value]) => [key, { value, policy }] as const);
  return {
    type: 'quorum',
    arguments: argumentsOf(queue),
    policy: Object.fromEntries(entries),
    major: 3,
    ...more,
  };
}

const noExit = { arguments: { 'x-queue-type': 'quorum' } };
const classic = {
  type: 'classic',
  arguments: { 'x-dead-letter-exchange': 'ns.dead', 'x-dead-letter-routing-key': 'orders' },
};

describe('judgeQueue', () => {
  it.each<
    [string, InspectedQueue, Definition, Partial<QueueFacts>, [kind: string, key: string, effect: RegExp][]]
  >([
    // message-ttl
    [
      'expires messages',
      theWork,
      { 'message-ttl': 90_000 },
      {},
      [['expires', 'message-ttl', /waited for 90s ends in the dead-letter queue, unhandled/]],
    ],
    [
      'expires messages of a queue without exit',
      theirs,
      { 'message-ttl': 1_000 },
      noExit,
      [['expires', 'message-ttl', /is lost, unhandled/]],
    ],
    [
      'shortens a delay',
      theTier,
      { 'message-ttl': 59_999 },
      {},
      [['expires', 'message-ttl', /come back after 59999ms/]],
    ],
    ['says a delay once more', theTier, { 'message-ttl': 60_000 }, {}, []],
    [
      'says the delay where the argument is missing',
      theTier,
      { 'message-ttl': 60_000 },
      { arguments: {} },
      [],
    ],
    ['would lengthen a delay', theTier, { 'message-ttl': 90_000 }, {}, []],
    [
      'expires dead letters',
      theDeadLetters,
      { 'message-ttl': 1_000 },
      {},
      [['expires', 'message-ttl', /a dead letter .* is lost$/]],
    ],
    [
      'expires dead letters to somewhere',
      theDeadLetters,
      { 'message-ttl': 1_000, 'dead-letter-exchange': 'x' },
      {},
      [['expires', 'message-ttl', /goes to exchange "x"/]],
    ],
    [
      'expires what missed its queue',
      theUnroutable,
      { 'message-ttl': 1_000 },
      {},
      [['expires', 'message-ttl', /a copy that missed its queue .* is lost$/]],
    ],
    // max-length
    [
      'limits a work queue',
      theWork,
      { 'max-length': 5 },
      {},
      [['refuses', 'max-length', /beyond 5 messages .* producers are refused/]],
    ],
    [
      'limits the bytes of a work queue',
      theWork,
      { 'max-length-bytes': 5 },
      {},
      [['refuses', 'max-length-bytes', /beyond 5 bytes/]],
    ],
    ['limits a tier', theTier, { 'max-length': 5 }, {}, [['refuses', 'max-length', /stay unacknowledged/]]],
    [
      'limits dead letters',
      theDeadLetters,
      { 'max-length': 5 },
      {},
      [['drops', 'max-length', /a dead letter is lost/]],
    ],
    [
      'limits dead letters and refuses',
      theDeadLetters,
      { 'max-length': 5, overflow: 'reject-publish' },
      {},
      [['refuses', 'max-length', /failed for good stay/]],
    ],
    [
      'limits a classic queue',
      theWork,
      { 'max-length': 5 },
      classic,
      [['drops', 'max-length', /ends in the dead-letter queue/]],
    ],
    [
      'limits a work queue and drops',
      theWork,
      { 'max-length': 5, overflow: 'drop-head' },
      {},
      [
        ['drops', 'max-length', /ends in the dead-letter queue/],
        ['weakens', 'overflow', /at most once/],
      ],
    ],
    [
      'limits a tier and drops',
      theTier,
      { 'max-length': 5, overflow: 'reject-publish-dlx' },
      {},
      [
        ['drops', 'max-length', /comes back before its delay is over/],
        ['weakens', 'overflow', /a copy is lost/],
      ],
    ],
    [
      'drops where an argument limits',
      theirs,
      { overflow: 'drop-head' },
      { arguments: { 'x-max-length': 5, 'x-overflow': 'reject-publish' } },
      [['drops', 'overflow', /beyond 5 messages/]],
    ],
    // overflow
    ['says overflow once more', theWork, { overflow: 'reject-publish' }, {}, []],
    ['says overflow for a queue that leads nowhere', theDeadLetters, { overflow: 'drop-head' }, {}, []],
    ['says overflow for a classic queue', theWork, { overflow: 'drop-head' }, classic, []],
    // expires
    [
      'deletes an idle work queue',
      theWork,
      { expires: 3_600_000 },
      {},
      [['deletes', 'expires', /outage of 1h is enough/]],
    ],
    [
      'deletes a tier',
      theTier,
      { expires: 1_000 },
      {},
      [['deletes', 'expires', /nobody consumes this queue: after 1s/]],
    ],
    [
      'deletes dead letters',
      theDeadLetters,
      { expires: 1_000 },
      {},
      [['deletes', 'expires', /deletes it and everything in it/]],
    ],
    // delivery-limit
    [
      'lowers the delivery limit',
      theWork,
      { 'delivery-limit': 20 },
      {},
      [['weakens', 'delivery-limit', /more than 20 times ends in the dead-letter queue/]],
    ],
    ['names a higher delivery limit', theWork, { 'delivery-limit': 2_000 }, {}, []],
    [
      'limits deliveries of a queue without exit',
      theirs,
      { 'delivery-limit': 20 },
      noExit,
      [['drops', 'delivery-limit', /more than 20 times is lost/]],
    ],
    [
      'is not needed: a limit without exit',
      theirs,
      {},
      { arguments: { 'x-delivery-limit': 3 } },
      [['drops', 'delivery-limit', /more than 3 times/]],
    ],
    [
      'is not needed: RabbitMQ 4 and no exit',
      theirs,
      {},
      { ...noExit, major: 4 },
      [['drops', 'delivery-limit', /more than 20 times/]],
    ],
    ['is not there: RabbitMQ 3 and no exit', theirs, {}, noExit, []],
    [
      'gives a queue an exit',
      theirs,
      { 'dead-letter-exchange': 'ns.dead', 'dead-letter-routing-key': 'orders' },
      { ...noExit, major: 4 },
      [],
    ],
    [
      'limits looks at dead letters',
      theDeadLetters,
      { 'delivery-limit': 20 },
      {},
      [['drops', 'delivery-limit', /looked at .* more than 20 times is lost/]],
    ],
    [
      'limits looks at dead letters, with an exit',
      theDeadLetters,
      { 'delivery-limit': 20, 'dead-letter-exchange': 'x' },
      {},
      [['reroutes', 'delivery-limit', /goes to exchange "x"/]],
    ],
    ['limits deliveries that a tier does not have', theTier, { 'delivery-limit': 20 }, {}, []],
    // dead-letter-*
    [
      'names an exit that does not count',
      theWork,
      { 'dead-letter-exchange': 'x', 'dead-letter-routing-key': 'y', 'dead-letter-strategy': 'at-most-once' },
      {},
      [],
    ],
    [
      'names a routing key for a tier',
      theTier,
      { 'dead-letter-routing-key': 'y' },
      {},
      [['reroutes', 'dead-letter-routing-key', /routing key "y"/]],
    ],
    ['names an exit for a tier', theTier, { 'dead-letter-exchange': 'x' }, {}, []],
    [
      'leads our queue elsewhere where the argument is missing',
      theWork,
      { 'dead-letter-exchange': 'x' },
      noExit,
      [['reroutes', 'dead-letter-exchange', /goes to exchange "x", not to "ns.dead"/]],
    ],
    [
      'leads our queue to the right exchange only',
      theWork,
      { 'dead-letter-exchange': 'ns.dead' },
      noExit,
      [['reroutes', 'dead-letter-exchange', /its own routing key/]],
    ],
    [
      'leads our queue where it belongs',
      theWork,
      { 'dead-letter-exchange': 'ns.dead', 'dead-letter-routing-key': 'orders' },
      noExit,
      [],
    ],
    ['leads a queue of somebody else where they like', theirs, { 'dead-letter-exchange': 'x' }, noExit, []],
    ['gives dead letters an exit they do not take', theDeadLetters, { 'dead-letter-exchange': 'x' }, {}, []],
    // the rest
    ['is about a stream', theirs, { 'max-length-bytes': 5 }, { type: 'stream', arguments: {} }, []],
    [
      'is harmless',
      theWork,
      { 'queue-leader-locator': 'balanced', 'max-in-memory-length': 5, 'ha-mode': 'all' },
      {},
      [],
    ],
  ])('finds what a policy does that %s', (_, queue, definition, more, expected) => {
    const found = judgeQueue(queue, under(definition, queue, more));
    expect(found.map(({ kind, key }) => [kind, key])).toEqual(expected.map(([kind, key]) => [kind, key]));
    found.forEach((finding, i) => expect(finding.effect).toMatch(expected[i]![2]));
    for (const { object } of found) expect(object).toBe(queue.name);
  });

  it('names policy, value and mend, of users and of operators', () => {
    const [users] = judgeQueue(theWork, under({ expires: 5 }, theWork));
    expect(users).toMatchObject({ policy: 'all', value: 5, mend: expect.stringContaining('policy "all"') });
    const facts = under({}, theWork);
    const policy = { name: 'ops', isOperator: true };
    const [operators] = judgeQueue(theWork, { ...facts, policy: { expires: { value: 5, policy } } });
    expect(operators).toMatchObject({
      policy: 'ops',
      mend: expect.stringContaining('operator policy "ops"'),
    });
  });

  const anyQueue = fc.constantFrom(...queues, theirs);
  const anyType = fc.constantFrom('quorum', 'classic', 'stream');
  const anyNumber = fc.nat({ max: 100_000 });
  const anyDefinition: fc.Arbitrary<Definition> = fc.record(
    {
      'message-ttl': anyNumber,
      'max-length': anyNumber,
      'max-length-bytes': anyNumber,
      expires: anyNumber,
      'delivery-limit': anyNumber,
      overflow: fc.constantFrom('drop-head', 'reject-publish', 'reject-publish-dlx'),
      'dead-letter-exchange': fc.string(),
      'dead-letter-routing-key': fc.string(),
      'dead-letter-strategy': fc.constantFrom('at-most-once', 'at-least-once'),
      'queue-leader-locator': fc.constantFrom('client-local', 'balanced'),
    },
    { requiredKeys: [] },
  );

  it('finds nothing where there is no policy, on any queue that Holdfast declared', () => {
    fc.assert(
      fc.property(fc.constantFrom(...queues), fc.constantFrom(3, 4), (queue, major) => {
        expect(judgeQueue(queue, under({}, queue, { major }))).toEqual([]);
      }),
    );
  });

  it('finds nothing in a policy that says no more than the arguments do', () => {
    fc.assert(
      fc.property(fc.constantFrom(...queues), (queue) => {
        const same = Object.entries(argumentsOf(queue)).map(([key, value]) => [key.replace('x-', ''), value]);
        expect(judgeQueue(queue, under(Object.fromEntries(same) as Definition, queue))).toEqual([]);
      }),
    );
  });

  it('blames only what the policy says, once for each key and kind, and has words for it', () => {
    fc.assert(
      fc.property(anyQueue, anyType, anyDefinition, (queue, type, definition) => {
        const found = judgeQueue(queue, under(definition, queue, { type }));
        for (const { policy, key, value, effect, mend } of found) {
          if (policy !== null) expect(definition[key ?? '']).toBe(value);
          expect(effect).not.toMatch(/undefined|NaN|\[object/);
          expect(mend).not.toBe('');
        }
        const subjects = found.map(({ kind, key }) => `${kind} ${key}`);
        expect(new Set(subjects).size).toBe(subjects.length);
      }),
      { numRuns: 500 },
    );
  });

  it('finds a shorter time to live on every queue, and on a tier only one shorter than its delay', () => {
    fc.assert(
      fc.property(fc.constantFrom(...queues), fc.nat({ max: 120_000 }), (queue, ttl) => {
        const found = judgeQueue(queue, under({ 'message-ttl': ttl }, queue));
        expect(found.some(({ kind }) => kind === 'expires')).toBe(queue.role !== 'delay' || ttl < 60_000);
      }),
    );
  });
});

describe('judgeExchange', () => {
  const alternate = { value: 'x', policy: { name: 'all', isOperator: false } };

  it('finds an alternate exchange on each of ours but the one that has its own', () => {
    const found = exchanges.flatMap((exchange) => judgeExchange(exchange, alternate));
    expect(found.map(({ object, kind }) => [object, kind])).toEqual([
      ['ns.dead', 'reroutes'],
      ['ns.unroutable', 'reroutes'],
      ['ns.delay.1m', 'reroutes'],
    ]);
    expect(found[0]?.effect).toContain('goes to exchange "x"');
    expect(exchanges.flatMap((exchange) => judgeExchange(exchange, undefined))).toEqual([]);
  });
});
