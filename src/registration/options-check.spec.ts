import { IsString } from 'class-validator';
import { z } from 'zod';
import { optionProblems } from './options-check';

class Order {
  @IsString()
  id!: string;
}
class Bare {
  id!: string;
}
class DeclinedError extends Error {}

const everything = {
  queue: 'orders',
  type: ['order.created', 'order.changed'],
  typeFrom: { header: 'event' },
  onUnknownType: 'discard',
  bindings: [{ exchange: 'shop', routingKey: 'order.#', exchangeType: 'topic' }],
  queueType: 'quorum',
  declare: true,
  schema: Order,
  retry: { delays: ['10s'] },
  immediateRetries: 2,
  classify: [{ when: DeclinedError, then: { retryAfter: '1h' } }],
  idempotency: 'transactional',
  commit: 'shared',
  groupSize: 20,
  transactionId: () => 'id',
  onMissingTransactionId: 'process',
  concurrency: 20,
  prefetch: 40,
  timeout: '20s',
  deliveryLimit: 5,
  authenticate: { hmac: { secrets: 'a secret of enough bytes' } },
};

describe('optionProblems', () => {
  it.each<[string, object]>([
    ['only a queue', { queue: 'orders' }],
    ['everything there is', everything],
    ['a zod schema', { queue: 'orders', schema: z.object({ id: z.string() }) }],
    [
      'another Standard Schema',
      { queue: 'q', schema: { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: 1 }) } } },
    ],
    ['no retry', { queue: 'orders', retry: false }],
    ['the type property, named', { queue: 'orders', typeFrom: 'type' }],
    ['a function that finds the type', { queue: 'orders', typeFrom: () => 'x' }],
    [
      'a binding to a fanout exchange, without a key',
      { queue: 'q', bindings: [{ exchange: 'all', routingKey: '' }] },
    ],
    ['a rule by predicate', { queue: 'q', classify: [{ when: () => true, then: 'discard' }] }],
    ['a rule by a class that is no Error', { queue: 'q', classify: [{ when: Order, then: 'retry' }] }],
    ['prefetch equal to concurrency', { queue: 'q', prefetch: 1, concurrency: 1 }],
    ['the longest name a queue can have', { queue: 'q'.repeat(251) }],
    ['declare: false', { queue: 'q', declare: false }],
    ['a shared commit', { queue: 'q', commit: 'shared' }],
    ['a group as large as the concurrency', { queue: 'q', commit: 'shared', groupSize: 5, concurrency: 5 }],
  ])('accepts %s', (_, options) => {
    expect(optionProblems(options)).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no options', undefined, /expected object/],
    ['no queue', {}, /^queue: /],
    ['an empty queue name', { queue: '' }, /^queue: /],
    ['a name too long for its dead-letter queue', { queue: 'q'.repeat(252) }, /^queue: at most 251 bytes/],
    ['a name too long in bytes', { queue: 'ü'.repeat(126) }, /^queue: at most 251 bytes/],
    ['a name of the broker’s own', { queue: 'amq.orders' }, /^queue: names that begin with "amq\."/],
    ['an unknown option', { queue: 'q', retries: 3 }, /retries/],
    [
      'an unknown option of a binding',
      { queue: 'q', bindings: [{ exchange: 'x', routingKey: 'k', type: 'topic' }] },
      /type/,
    ],
    ['an empty list of types', { queue: 'q', type: [] }, /^type/],
    ['an empty type', { queue: 'q', type: '' }, /^type/],
    ['an unknown queue type', { queue: 'q', queueType: 'stream' }, /^queueType: .*"quorum"\|"classic"/],
    [
      'an unknown mode',
      { queue: 'q', idempotency: 'yes' },
      /^idempotency: .*"transactional"\|"lease"\|"off"/,
    ],
    ['an unknown commit', { queue: 'q', commit: 'none' }, /^commit: .*"own"\|"shared"/],
    ['a group of one', { queue: 'q', commit: 'shared', groupSize: 1 }, /^groupSize: .*2/],
    ['a group without a shared commit', { queue: 'q', groupSize: 10 }, /groupSize has no effect/],
    [
      'a group that could never fill',
      { queue: 'q', commit: 'shared', groupSize: 10, concurrency: 5 },
      /concurrency \(5\) is below groupSize \(10\)/,
    ],
    [
      'a shared commit without a transaction',
      { queue: 'q', commit: 'shared', idempotency: 'off' },
      /idempotency is 'off', which has no transaction to share/,
    ],
    ['too many immediate retries', { queue: 'q', immediateRetries: 11 }, /^immediateRetries: .*10/],
    ['negative immediate retries', { queue: 'q', immediateRetries: -1 }, /^immediateRetries: /],
    ['no concurrency', { queue: 'q', concurrency: 0 }, /^concurrency: /],
    ['half a concurrency', { queue: 'q', concurrency: 2.5 }, /^concurrency: /],
    ['a prefetch beyond AMQP', { queue: 'q', prefetch: 65_536 }, /^prefetch: .*65535/],
    ['a timeout of nothing', { queue: 'q', timeout: 0 }, /^timeout: must be longer than 0/],
    ['a timeout without a unit', { queue: 'q', timeout: '20' }, /^timeout: "20" is not a duration/],
    ['a timeout no timer can count', { queue: 'q', timeout: '30d' }, /^timeout: .*24d/],
    ['a wrong retry policy', { queue: 'q', retry: { delays: ['soon'] } }, /^retry: "soon" is not a duration/],
    ['a retry policy that is a word', { queue: 'q', retry: 'never' }, /^retry: /],
    ['a rule without a verdict', { queue: 'q', classify: [{ when: DeclinedError }] }, /^classify\.0\.then/],
    [
      'a verdict nobody knows',
      { queue: 'q', classify: [{ when: DeclinedError, then: 'ignore' }] },
      /^classify\.0\.then/,
    ],
    [
      'a rule by a word',
      { queue: 'q', classify: [{ when: 'DeclinedError', then: 'retry' }] },
      /^classify\.0\.when/,
    ],
    [
      'a rule with a wrong delay',
      { queue: 'q', classify: [{ when: DeclinedError, then: { retryAfter: 'x' } }] },
      /^classify\.0\.then/,
    ],
    ['a schema that is none', { queue: 'q', schema: { id: 'string' } }, /^schema: .*Standard Schema/],
    [
      'a class without rules',
      { queue: 'q', schema: Bare },
      /^schema: the class Bare cannot validate messages/,
    ],
    [
      'a secret that is too short',
      { queue: 'q', authenticate: { hmac: { secrets: 'short' } } },
      /^authenticate: hmac\.secrets/,
    ],
    ['two ways to authenticate', { queue: 'q', authenticate: { hmac: {}, jwt: {} } }, /^authenticate: /],
    [
      'prefetch below concurrency',
      { queue: 'q', prefetch: 5, concurrency: 10 },
      /prefetch \(5\) is below concurrency \(10\)/,
    ],
    [
      'an id function without idempotency',
      { queue: 'q', idempotency: 'off', transactionId: () => 'x' },
      /idempotency is 'off', so transactionId/,
    ],
    [
      'onMissingTransactionId without idempotency',
      { queue: 'q', idempotency: 'off', onMissingTransactionId: 'process' },
      /idempotency is 'off'/,
    ],
    [
      'a queue type for a queue of somebody else',
      { queue: 'q', declare: false, queueType: 'quorum' },
      /declare is false, so queueType/,
    ],
    [
      'onUnknownType where every type is taken',
      { queue: 'q', onUnknownType: 'discard' },
      /onUnknownType has no effect/,
    ],
  ])('refuses %s', (_, options, complaint) => {
    const problems = optionProblems(options);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(complaint);
  });

  it('tells everything that is wrong at once', () => {
    const problems = optionProblems({ queue: '', concurrency: 0, timeout: 'x', colour: 'red' });
    expect(problems.map((problem) => problem.split(/[:;]/)[0])).toEqual([
      'queue',
      'concurrency',
      'timeout',
      'unknown option colour',
    ]);
  });
});

describe('optionProblems of a handler of batches', () => {
  const { immediateRetries: _retries, commit: _commit, groupSize: _size, ...forBatches } = everything;

  it.each<[string, object]>([
    ['only a queue', { queue: 'orders' }],
    ['everything there is', { ...forBatches, concurrency: 200, prefetch: 400, batchSize: 100 }],
    ['no database', { queue: 'orders', idempotency: 'off', batchSize: 2 }],
    ['one batch at a time', { queue: 'orders', concurrency: 50, batchSize: 50 }],
  ])('accepts %s', (_name, options) => {
    expect(optionProblems(options, true)).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['a batch of one', { queue: 'q', batchSize: 1 }, /^batchSize: .*2/],
    ['a batch too large', { queue: 'q', batchSize: 1_001 }, /^batchSize: .*1000/],
    ['a shared commit', { queue: 'q', commit: 'shared' }, /unknown option commit; there are .*batchSize/],
    ['a group size', { queue: 'q', groupSize: 10 }, /unknown option groupSize/],
    ['tries at once', { queue: 'q', immediateRetries: 1 }, /unknown option immediateRetries/],
    [
      'a lease',
      { queue: 'q', idempotency: 'lease' },
      /^idempotency: a batch is one transaction .* use @ReliableConsumer/,
    ],
    [
      'a batch that could never fill',
      { queue: 'q', batchSize: 100, concurrency: 20 },
      /concurrency \(20\) is below batchSize \(100\)/,
    ],
  ])('refuses %s', (_name, options, complaint) => {
    const problems = optionProblems(options, true);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(complaint);
  });

  it('sends who asks for batches elsewhere to the right place', () => {
    expect(optionProblems({ queue: 'q', batchSize: 100 })).toEqual([
      expect.stringMatching(/^batchSize is for .*@ReliableBatchConsumer, or consumers\.registerBatch/),
    ]);
  });
});
