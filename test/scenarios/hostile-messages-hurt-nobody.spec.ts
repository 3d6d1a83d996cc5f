import { connect, type ChannelModel, type ConfirmChannel, type ConsumeMessage } from 'amqplib';
import { createHash } from 'node:crypto';
import * as v8 from 'node:v8';
import { Discard, PermanentError, ReliableConsumer, type MessageContext } from 'holdfast';
import { isDeadLetterReason } from '../../src/message/outcome';
import { eventually } from '../support/eventually';
import { extraServer, type ExtraServer } from '../support/extra-server';
import { failingMessages, hostileMessages, REFUSED, type HostileMessage } from '../support/hostile-messages';
import { aQueue, World, type RunningHoldfast, type Settled } from '../support/holdfast';
import { seededRandom } from '../support/seeded-random';
import { publishRaw, short } from '../support/wire';

const transactional = aQueue('transactional');
const off = aQueue('off');
const QUEUES = [transactional, off];
const MESSAGES = 300;
/** One in so many is a good message, between the hostile ones. */
const GOOD = 5;
const POOL = 5;
const RETRY = { delays: ['100ms'] };

/** Every context that a handler was given. */
const contexts: WeakRef<object>[] = [];

/** Does what a message's own bytes say: succeed, fail once, fail always, give up, drop. */
async function behave(payload: unknown, ctx: MessageContext): Promise<void> {
  contexts.push(new WeakRef(ctx));
  const [dice = 0] = createHash('sha256').update(ctx.body).digest();
  if (isGood(payload)) return;
  if (alwaysFails(payload)) throw new RangeError('as it says itself');
  // What handlers do with what they get: none of it may end the process.
  JSON.stringify(ctx.headers);
  for (const [name, value] of Object.entries(ctx.headers)) `${name} ${typeof value}`.trim();
  ctx.log.info('handling', { headers: ctx.headers, payload });
  await Promise.resolve();
  if (dice % 5 === 1 && ctx.attempt === 1)
    throw new Error(`the first time: ${ctx.body.toString('latin1', 0, 100)}`);
  if (dice % 5 === 2) throw new TypeError(`always: ${ctx.id}`);
  if (dice % 5 === 3) throw new PermanentError(String(ctx.headers['tenant'] !== undefined));
  if (dice % 5 === 4 && dice % 2 === 0) throw new Discard(ctx.routingKey);
}

class Handlers {
  @ReliableConsumer({ queue: transactional, retry: RETRY })
  async on(payload: unknown, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2)', ['handled', ctx.id]);
    await behave(payload, ctx);
  }

  @ReliableConsumer({ queue: off, retry: RETRY, idempotency: 'off' })
  onOff(payload: unknown, ctx: MessageContext): Promise<void> {
    return behave(payload, ctx);
  }
}

interface Parked {
  readonly body: Buffer;
  readonly headers: Record<string, unknown>;
}

const has =
  (key: string) =>
  (payload: unknown): boolean =>
    typeof payload === 'object' && payload !== null && key in payload;
const isGood = has('good');
const alwaysFails = has('fails');
const labelOf = ({ delivery }: Settled): string | undefined => delivery.properties.correlationId;
const isFinal = ({ outcome, acknowledged }: Settled): boolean =>
  acknowledged && !['retry', 'defer', 'release'].includes(outcome.kind);

/** On a broker of its own: what hurts a broker must not hurt other tests. */
describe('hostile messages hurt nobody', () => {
  let server: ExtraServer;
  let world: World;
  let holdfast: RunningHoldfast;
  let model: ChannelModel;
  let channel: ConfirmChannel;
  const changes: object[] = [];
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  const parked = new Map<string, Parked[]>();
  const { seed } = seededRandom();
  const messages = [...failingMessages(), ...hostileMessages(seed, MESSAGES)];

  beforeAll(async () => {
    process.stderr.write(`hostile messages are drawn with TEST_SEED=${seed}\n`);
    process.on('unhandledRejection', note);
    server = await extraServer('rabbitmq');
    world = await World.create({ rabbitmqUrl: server.url });
    holdfast = await world.start({
      handlers: [Handlers],
      variables: {
        HOLDFAST_DATABASE_POOL: String(POOL),
        HOLDFAST_CONCURRENCY: String(POOL),
        HOLDFAST_MAX_BODY: '64KiB',
        HOLDFAST_MAX_INFLATED: '1MiB',
        HOLDFAST_MAX_DEPTH: '100',
      },
    });
    // From the start on: everything is attached, and copies can be published.
    for (const queue of QUEUES) {
      await world.broker.send(queue, `first ${queue}`, Buffer.from('no JSON'));
      await holdfast.outcome(`first ${queue}`, 'dead-letter');
    }
    for (const name of ['dependency.changed', 'connection.changed', 'consumer.changed'] as const)
      holdfast.events.on(name, (change) => changes.push({ name, ...change }));

    model = await connect(world.vhost.url.split(',')[0]!);
    channel = await model.createConfirmChannel();
    for (const queue of QUEUES) await channel.consume(`${queue}.dlq`, park, { noAck: true });
  }, 120_000);
  afterAll(async () => {
    process.off('unhandledRejection', note);
    await model.close();
    await world.remove();
    await server.remove();
  });

  const park = (message: ConsumeMessage | null): void => {
    if (!message) return;
    const label = String(message.properties.correlationId);
    const one = {
      body: message.content,
      headers: (message.properties.headers ?? {}) as Record<string, unknown>,
    };
    parked.set(label, [...(parked.get(label) ?? []), one]);
  };

  /** What makes a message findable, and a repetition of it another message. */
  const labelled = ({ properties, body }: HostileMessage, label: string): HostileMessage => {
    const ownId = properties.messageId === undefined && !label.endsWith('7');
    return {
      body,
      properties: { ...properties, correlationId: short(label), ...(ownId && { messageId: short(label) }) },
    };
  };

  /** Sends all of them with good ones between, and waits until the last has come to its end. */
  const run = async (name: string): Promise<{ finals: Map<string, Settled[]>; good: string[] }> => {
    const from = holdfast.settled.length;
    const labels: string[] = [];
    const good: string[] = [];
    for (const [i, message] of messages.entries()) {
      const queue = QUEUES[i % 2]!;
      const label = `${name} ${i}`;
      const one = labelled(message, label);
      await publishRaw(channel, queue, one.properties, one.body).catch((error: unknown) => {
        throw new Error(`RabbitMQ refuses message ${i} of seed ${seed}`, { cause: error });
      });
      labels.push(label);
      if (i % GOOD > 0) continue;
      good.push(`${label} good`);
      await world.broker.send(queue, `${label} good`, { good: i }, { correlationId: `${label} good` });
    }
    const ends = (): Map<string, Settled[]> => {
      const found = new Map<string, Settled[]>();
      for (const event of holdfast.settled.slice(from).filter(isFinal)) {
        const label = labelOf(event) ?? '';
        found.set(label, [...(found.get(label) ?? []), event]);
      }
      return found;
    };
    await eventually(() => {
      const found = ends();
      expect([...labels, ...good].filter((label) => !found.has(label))).toEqual([]);
      const dead = [...found].filter(([, [one]]) => one!.outcome.kind === 'dead-letter');
      expect(dead.map(([label]) => label).filter((label) => !parked.has(label))).toEqual([]);
    }, 60_000);
    return { finals: ends(), good };
  };

  /** What should not grow: what Node waits for, contexts of deliveries, rows of the database. */
  const footprint = async (): Promise<Record<string, number>> => {
    const resources: Record<string, number> = {};
    for (const one of process.getActiveResourcesInfo()) resources[one] = (resources[one] ?? 0) + 1;
    const [rows] = await world.database.query<{ inbox: number; suspects: number; outbox: number }>(
      'select (select count(*)::int from holdfast.inbox_message) as inbox, (select count(*)::int from holdfast.suspect_delivery) as suspects, (select count(*)::int from holdfast.outbox_message) as outbox',
    );
    // Timers of pools and of the test's own waiting come and go.
    const { Timeout: _, Immediate: __, ...lasting } = resources;
    return { ...lasting, ...rows!, contexts: contextsAlive() };
  };

  it('each of them is completed, dropped, or a dead letter with a reason and the same bytes, and the good ones are done once', async () => {
    const { finals, good } = await run('first');
    for (const [label, events] of finals) {
      const of = { label, seed };
      expect({ ...of, ends: events.length }).toEqual({ ...of, ends: 1 });
      const { delivery, outcome } = events[0]!;
      const letters = parked.get(label) ?? [];
      if (outcome.kind !== 'dead-letter') {
        expect({ ...of, kind: outcome.kind }).toEqual({
          ...of,
          kind: expect.stringMatching(/^(completed|duplicate|discard)$/) as unknown,
        });
        expect({ ...of, letters: letters.length }).toEqual({ ...of, letters: 0 });
        continue;
      }
      expect({ ...of, known: isDeadLetterReason(outcome.reason), letters: letters.length }).toEqual({
        ...of,
        known: true,
        letters: 1,
      });
      const { body, headers } = letters[0]!;
      const sent = messages[Number(/\d+/.exec(label))]!.body;
      expect({ ...of, same: body.equals(sent) && delivery.body.equals(sent) }).toEqual({ ...of, same: true });
      // Where no copy can be made the broker has moved the message itself.
      const told = headers['holdfast-reason'] ?? 'moved by the broker';
      expect({ ...of, told }).toEqual({
        ...of,
        told: expect.stringMatching(new RegExp(`^(${outcome.reason}|moved by the broker)$`)) as unknown,
      });
    }
    for (const label of good)
      expect(finals.get(label)!.map(({ outcome }) => outcome.kind)).toEqual(['completed']);
    const kinds = new Set([...finals.values()].map(([one]) => reasonOf(one!)));
    // The draw meets most ways to end, whatever the seed.
    expect([...kinds]).toEqual(
      expect.arrayContaining([
        'completed',
        'malformed',
        'too-large',
        'attempts-exhausted',
        'permanent-error',
        'missing-transaction-id',
      ]),
    );
    expect(changes).toEqual([]);
    expect(unhandled).toEqual([]);
  }, 90_000);

  it('takes effect at most once per id, whatever the id is', async () => {
    const doubled = await world.database.query(
      "select transaction_id from effect where handler = 'handled' group by transaction_id having count(*) > 1",
    );
    expect(doubled).toEqual([]);
  });

  it('leaves nothing behind: the same again costs the same', async () => {
    const before = await footprint();
    const { inbox: _, TCPSocketWrap: __, ...lasting } = before;
    expect(lasting).toMatchObject({ contexts: 0, suspects: 0, outbox: 0 });
    await run('second');
    await eventually(async () => {
      const { inbox, TCPSocketWrap, ...after } = await footprint();
      // Pools give connections back when nobody has needed them for a while.
      expect(TCPSocketWrap).toBeLessThanOrEqual(before['TCPSocketWrap']! + POOL);
      // Ids drawn at random come again and are duplicates; the labelled ones are new.
      expect(inbox).toBeLessThanOrEqual(2 * before['inbox']!);
      expect(after).toEqual(lasting);
    }, 20_000);
    for (const queue of QUEUES)
      expect(holdfast.consumers.get(queue)).toMatchObject({ state: 'running', inFlight: 0, waiting: 0 });
    expect(changes).toEqual([]);
    expect(unhandled).toEqual([]);
  }, 90_000);

  it.each(Object.entries(REFUSED))('%s is refused by RabbitMQ and reaches nobody', async (_, properties) => {
    const own = await connect(world.vhost.url.split(',')[0]!);
    own.on('error', () => undefined);
    const doomed = await own.createConfirmChannel();
    doomed.on('error', () => undefined);
    await expect(publishRaw(doomed, transactional, properties, Buffer.from('{}'))).rejects.toThrow();
    await own.close().catch(() => undefined);
    await world.broker.send(transactional, `after ${_}`, { good: true });
    await holdfast.outcome(`after ${_}`, 'completed');
    expect(changes).toEqual([]);
  });
});

function reasonOf({ outcome }: Settled): string {
  return outcome.kind === 'dead-letter' ? outcome.reason : outcome.kind;
}

/** Those that are left after a collection of garbage, which counting objects begins with. */
function contextsAlive(): number {
  (v8 as unknown as { queryObjects(type: unknown): number }).queryObjects(WeakRef);
  return contexts.filter((one) => one.deref() !== undefined).length;
}
