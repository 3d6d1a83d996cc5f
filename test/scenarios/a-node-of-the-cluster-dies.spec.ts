import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { PermanentError, ReliableConsumer, type MessageContext } from 'holdfast';
import { extraCluster, type Cluster, type ClusterNode } from '../support/cluster';
import { describeWithCluster as describe } from '../support/describe-with-cluster';
import { eventually } from '../support/eventually';
import { World, type RunningHoldfast } from '../support/holdfast';
import { evaluate } from '../support/script-module';
import { serverRecord } from '../support/servers';

const PATIENCE_MS = 120_000;
/** The machine is to be busy with nodes that come and go rather than with traffic. */
const RATE_MS = 20;

type Fate = 'done' | 'retried' | 'dead';

const fateOf = (n: number): Fate => (n % 10 === 3 ? 'dead' : n % 5 === 1 ? 'retried' : 'done');

class Handlers {
  release: () => void = () => undefined;
  readonly released = new Promise<void>((resolve) => (this.release = resolve));

  @ReliableConsumer({ queue: 'work', concurrency: 10, retry: { delays: ['1s'] } })
  async onWork({ fate }: { fate: Fate }, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2)', ['work', ctx.id]);
    if (fate === 'dead') throw new PermanentError('for good');
    if (fate === 'retried' && ctx.attempt === 1) throw new Error('not the first time');
  }

  @ReliableConsumer({ queue: 'held', retry: false })
  async onHeld(_message: unknown, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2)', ['held', ctx.id]);
    await this.released;
    throw new PermanentError('for good');
  }
}

/** One cluster for all of it: it takes 20 seconds to start. */
describe('while a node of the cluster is away', () => {
  let cluster: Cluster;
  let world: World;
  let holdfast: RunningHoldfast;
  let sent = 0;
  const confirmed: { id: string; fate: Fate }[] = [];
  const deadLetters = new Map<string, string>();

  /** A producer that sends again, under the same id, what was not confirmed. */
  const send = async (count: number): Promise<void> => {
    for (const end = sent + count; sent < end; sent++) {
      const [id, fate] = [`m-${sent}`, fateOf(sent)];
      await eventually(() => publish(id, fate), PATIENCE_MS);
      confirmed.push({ id, fate });
    }
  };
  const publish = async (id: string, fate: Fate): Promise<void> => {
    try {
      await world.broker.send('work', id, { fate });
    } catch (error) {
      // RabbitMQ 3.10 refuses for ever on a channel that met the queue just after the death of its leader.
      await world.broker.ready().then(
        (channel) => channel.close(),
        () => undefined,
      );
      throw error;
    }
  };
  /** Sends some fifty a second until it is told to stop, and then once more: what was broken must be mended by then. */
  const keepSending = (): { stop: () => Promise<void> } => {
    const state = { goesOn: true };
    const sending = (async () => {
      while (state.goesOn) {
        await send(1);
        await sleep(RATE_MS);
      }
      await send(1);
    })();
    return {
      stop: () => {
        state.goesOn = false;
        return sending;
      },
    };
  };
  /** Resolves when a message is completed that has not been sent yet. */
  const trafficFlows = (): Promise<unknown> =>
    holdfast.outcome(`m-${Math.ceil(sent / 10) * 10 + 20}`, 'completed', PATIENCE_MS);

  const confirmedAs = (...fates: Fate[]): string[] =>
    confirmed.filter(({ fate }) => fates.includes(fate)).map(({ id }) => id);
  const checkEffects = async (...fates: Fate[]): Promise<void> => {
    const rows = await world.database.query<{ id: string; effects: number }>(
      `select transaction_id as id, count(*)::int as effects from effect where handler = 'work' group by 1`,
    );
    const effects = new Set(rows.map(({ id }) => id));
    expect({
      missing: confirmedAs(...fates).filter((id) => !effects.has(id)),
      repeated: rows.filter((row) => row.effects > 1),
    }).toEqual({ missing: [], repeated: [] });
  };
  const takeDeadLetters = async (): Promise<void> => {
    const channel = await world.broker.ready();
    for (let one = await channel.get('work.dlq'); one; one = await channel.get('work.dlq')) {
      const [id, token] = [one.properties.messageId, one.properties.headers?.['holdfast-copy-token']].map(
        String,
      );
      // A copy whose confirm got lost was sent twice, under one token.
      expect(deadLetters.get(id!) ?? token).toBe(token);
      deadLetters.set(id!, token!);
      channel.ack(one);
    }
  };
  /** Every confirmed message has one effect or is one dead letter, and nothing else has. */
  const account = async (): Promise<void> => {
    await eventually(async () => {
      await takeDeadLetters();
      await checkEffects('done', 'retried');
      expect(confirmedAs('dead').filter((id) => !deadLetters.has(id))).toEqual([]);
      expect(await world.broker.depth('work')).toBe(0);
    }, PATIENCE_MS);
    expect(deadLetters.size).toBe(confirmedAs('dead').length);
    expect(await world.effects('work')).toBe(confirmedAs('done', 'retried').length);
  };
  const anotherLeadsThan = async (node: ClusterNode): Promise<void> => {
    await eventually(async () => {
      expect((await cluster.leaderOf('work')).name).not.toBe(node.name);
    }, PATIENCE_MS);
  };

  beforeAll(async () => {
    cluster = await extraCluster();
    world = await World.create({ rabbitmqUrl: cluster.url });
    holdfast = await world.start({ handlers: [Handlers] });
    await cluster.whole();
  }, 300_000);
  afterAll(async () => {
    await world.remove();
    await cluster.remove();
  }, 60_000);

  it('or none is: the three are one cluster, and each queue has a member on all of them', async () => {
    for (const queue of ['work', 'work.dlq', 'holdfast.delay.1s']) {
      const { leader, members } = await cluster.membersOf(queue);
      expect(members).toEqual(cluster.nodes);
      expect(cluster.nodes).toContain(leader);
    }
    await send(30);
    await account();
  });

  it(
    'killed while it led the queue: another leads, traffic goes on, and it comes back with what it had',
    async () => {
      const leader = await cluster.leaderOf('work');
      const traffic = keepSending();
      await trafficFlows();
      await leader.kill();
      await anotherLeadsThan(leader);
      await trafficFlows();
      await traffic.stop();
      await holdfast.attached();
      await eventually(() => checkEffects('done'), PATIENCE_MS);

      // RabbitMQ 3.10 may hold back what comes out of a delay until the node that died is there again.
      await leader.start();
      await cluster.whole();
      await account();
    },
    3 * PATIENCE_MS,
  );

  it(
    'cut off while it led the queue: it pauses, the others go on, and healed it is one of them again',
    async () => {
      const leader = await cluster.leaderOf('work');
      const traffic = keepSending();
      await trafficFlows();
      await leader.partition();
      await eventually(() => expect(connect(leader.url)).rejects.toThrow('ECONNREFUSED'), PATIENCE_MS);
      await anotherLeadsThan(leader);
      await trafficFlows();
      await leader.heal();
      await cluster.whole();
      await traffic.stop();
      await holdfast.attached();
      await account();
    },
    3 * PATIENCE_MS,
  );

  it(
    'stopped in order and started again, as for an upgrade: traffic goes on',
    async () => {
      const leader = await cluster.leaderOf('work');
      const traffic = keepSending();
      await trafficFlows();
      await leader.stop();
      await trafficFlows();
      await leader.start();
      await cluster.whole();
      await traffic.stop();
      await holdfast.attached();
      await account();
    },
    3 * PATIENCE_MS,
  );

  it(
    'frozen for a moment: it does not answer, and thawed it goes on',
    async () => {
      const [node] = cluster.nodes;
      await node.freeze();
      expect(await handshakeWith(node)).toMatchObject({
        error: { message: expect.stringContaining('no AMQP answer') },
      });
      await node.thaw();
      await cluster.whole();
      expect(await handshakeWith(node)).toMatchObject({ version: expect.any(String) });
    },
    PATIENCE_MS,
  );

  it(
    'dead, just before the first copy goes into a queue it led: the copy goes through once another leads',
    async () => {
      await holdfast.stop();
      const leader = await cluster.leaderOf('held.dlq');
      const [near, third] = cluster.nodes.filter(({ name }) => name !== leader.name) as [
        ClusterNode,
        ClusterNode,
      ];
      const one = await world.start({ handlers: [Handlers], variables: { RABBITMQ_URL: near.url } });
      const begun = one.events.next('message.received', ({ delivery }) => delivery.queue === 'held');
      await world.broker.send('held', 'h-1', {});
      await begun;
      await cluster.whole();
      // Without a majority nobody else is elected before the copy goes out.
      await third.freeze();
      await leader.kill();
      const failed = one.events.next('publication.failed');
      one.app.get(Handlers).release();
      await failed;
      await third.thaw();
      await one.outcome('h-1', 'dead-letter', PATIENCE_MS).finally(async () => {
        await leader.start();
        await cluster.whole();
      });
    },
    3 * PATIENCE_MS,
  );

  it('for good, with the others: nothing of the cluster is left', async () => {
    await world.remove();
    await cluster.remove();
    const ofTheCluster = cluster.nodes[0].marker.replace(/rabbitmq-1$/, '');
    expect(await evaluate('setup/processes.mjs', 'it.pidsWith(input)', ofTheCluster)).toEqual([]);
    for (const { name, dir } of cluster.nodes) {
      expect(serverRecord(name)).toBeUndefined();
      expect(existsSync(dir)).toBe(false);
    }
  }, 60_000);
});

const handshakeWith = ({ url }: ClusterNode): Promise<unknown> =>
  evaluate('setup/amqp-handshake.mjs', 'it.shakeHandsWithRabbitmq(input, 3000)', url);
