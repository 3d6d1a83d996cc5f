import { ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { seededRandom } from '../support/seeded-random';
import { TcpProxy } from '../support/tcp-proxy';

const work = aQueue('work');
const other = aQueue('other');

class Handlers {
  readonly begun: string[] = [];
  readonly held = new Map<string, Promise<void>>();

  @ReliableConsumer({ queue: work, concurrency: 10, retry: { delays: ['100ms'] } })
  async onWork(_message: unknown, ctx: MessageContext): Promise<void> {
    this.begun.push(ctx.id);
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['work', ctx.id, String(ctx.attempt)]);
    await this.held.get(ctx.id);
  }

  @ReliableConsumer({ queue: other, idempotency: 'off' })
  onOther(): void {}
}

describe('a connection to the broker', () => {
  let world: World;
  let proxy: TcpProxy;
  let holdfast: RunningHoldfast;
  let changes: string[] = [];
  const handlers = (): Handlers => holdfast.app.get(Handlers);
  const cut = (name: 'consume' | 'publish'): void => {
    expect(proxy.cut(({ greeting }) => greeting.includes(`holdfast:holdfast:${name}`))).toBe(1);
  };
  /** A handler that goes on until it is told to stop. */
  const hold = async (id: string): Promise<() => void> => {
    let release: () => void = () => undefined;
    handlers().held.set(id, new Promise((resolve) => (release = resolve)));
    await world.broker.send(work, id, {});
    await eventually(() => {
      expect(handlers().begun).toContain(id);
    });
    return () => {
      handlers().held.delete(id);
      release();
    };
  };

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.vhost.url);
    holdfast = await world.start({ handlers: [Handlers], variables: { RABBITMQ_URL: proxy.url } });
    holdfast.events.on('consumer.changed', ({ queue, state }) => changes.push(`${queue} ${state}`));
  });
  beforeEach(() => {
    changes = [];
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it('is cut under two running handlers: both commit, neither acknowledgement goes anywhere, and their repetitions are recognised', async () => {
    const releases = [await hold('c-1'), await hold('c-2')];
    const gone = holdfast.events.next('connection.changed', ({ state }) => state === 'disconnected');
    cut('consume');
    await gone;
    await holdfast.attached();
    for (const release of releases) release();
    for (const id of ['c-1', 'c-2']) {
      expect(await holdfast.outcome(id, 'completed')).toMatchObject({ acknowledged: false });
      expect(await holdfast.outcome(id, 'duplicate')).toMatchObject({ acknowledged: true });
      expect(await world.effects('work', id)).toBe(1);
    }
    // An acknowledgement on the wrong channel would have closed it once more.
    expect(changes.filter((change) => change.endsWith('running')).sort()).toEqual(
      [other, work].map((queue) => `${queue} running`),
    );
  });

  it('is cut again and again under load: every message is done once, at its first attempt', async () => {
    const { seed, random } = seededRandom();
    process.stderr.write(`cuts are drawn with TEST_SEED=${seed}\n`);
    const done = new Set<string>();
    const off = holdfast.events.on('message.settled', ({ transactionId, outcome }) => {
      if (outcome.kind === 'completed' && transactionId?.startsWith('l-')) done.add(transactionId);
    });
    let sent = 0;
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 100 }, () => world.broker.send(work, `l-${sent++}`, {})));
      const enough = round * 100 + 1 + Math.floor(random() * 80);
      await eventually(() => {
        expect(done.size).toBeGreaterThanOrEqual(Math.min(enough, sent));
      });
      cut('consume');
      if (round % 2 === 0) cut('publish');
      await holdfast.attached();
    }
    await eventually(async () => {
      const rows = await world.database.query(
        `select count(*)::int as n, count(distinct transaction_id)::int as messages, max(detail) as attempt
           from effect where transaction_id like 'l-%'`,
      );
      expect(rows).toEqual([{ n: 500, messages: 500, attempt: '1' }]);
    });
    off();
    await eventually(async () => {
      expect(await world.broker.depth(work)).toBe(0);
    });
  });

  it('is cut while a channel of the topology is being closed: every consumer comes back', async () => {
    const CHANNEL_CLOSE = Buffer.from([0, 20, 0, 40]);
    for (let cuts = 0; cuts < 3; cuts++) {
      // Until the loss has been noticed the consumers still count as running.
      const cutThen = new Promise<unknown>((resolve) => {
        proxy.judge = (chunk, from) => {
          if (from === 'server' || !chunk.includes(CHANNEL_CLOSE)) return 'forward';
          proxy.judge = () => 'forward';
          resolve(
            holdfast.events.next(
              'connection.changed',
              ({ connection, state }) => connection === 'consume' && state === 'disconnected',
            ),
          );
          return 'cut';
        };
      });
      cut('consume');
      await cutThen;
      await holdfast.attached();
    }
  });

  it('stays, while a queue is deleted and made again: its consumer comes back, and the others never notice', async () => {
    const release = await hold('q-1');
    changes = [];
    const channel = await world.broker.ready();
    const gone = holdfast.events.next(
      'consumer.changed',
      ({ queue, state }) => queue === work && state !== 'running',
    );
    await channel.deleteQueue(work);
    await gone;
    await holdfast.attached();
    release();
    expect(await holdfast.outcome('q-1', 'completed')).toMatchObject({ acknowledged: false });
    await world.broker.send(work, 'q-2', {});
    await holdfast.outcome('q-2', 'completed');
    expect(await world.effects('work', 'q-1')).toBe(1);
    expect(changes.filter((change) => change.startsWith(other))).toEqual([]);
  });

  it('brings the end of a channel in the same packet as the confirmation of its subscription: the consumer comes back', async () => {
    const CONSUME_OK = Buffer.from([0, 60, 0, 21]);
    const closed = new Promise<void>((resolve) => {
      proxy.judge = (chunk, from) => {
        const at = from === 'server' ? chunk.indexOf(CONSUME_OK) : -1;
        if (at < 0) return 'forward';
        proxy.judge = () => 'forward';
        resolve();
        // Before the method in its frame: type, channel (2), size (4).
        return Buffer.concat([chunk, channelClose(chunk.readUInt16BE(at - 6))]);
      };
    });
    const late = aQueue('late');
    holdfast.consumers.register({ queue: late, idempotency: 'off' }, () => undefined);
    await closed;
    await world.broker.send(late, 'late-1', {});
    await holdfast.outcome('late-1', 'completed');
  });
});

/** The AMQP frame of a channel.close with code 500. */
function channelClose(channel: number): Buffer {
  const text = 'by the test';
  const payload = Buffer.alloc(4 + 2 + 1 + text.length + 4);
  payload.writeUInt16BE(20, 0);
  payload.writeUInt16BE(40, 2);
  payload.writeUInt16BE(500, 4);
  payload.writeUInt8(text.length, 6);
  payload.write(text, 7, 'latin1');
  const header = Buffer.alloc(7);
  header.writeUInt8(1, 0);
  header.writeUInt16BE(channel, 1);
  header.writeUInt32BE(payload.length, 3);
  return Buffer.concat([header, payload, Buffer.from([0xce])]);
}
