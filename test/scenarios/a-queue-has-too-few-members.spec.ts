import { ReliableConsumer } from 'holdfast';
import { Findings, Inspection } from '../../src/inspection/inspection.module';
import { extraCluster, type Cluster, type ClusterNode } from '../support/cluster';
import { eventually } from '../support/eventually';
import { World, type RunningHoldfast } from '../support/holdfast';

class Handlers {
  @ReliableConsumer({ queue: 'three', retry: false, idempotency: 'off' })
  onThree(): void {}

  @ReliableConsumer({ queue: 'two', declare: false, retry: false, idempotency: 'off' })
  onTwo(): void {}

  @ReliableConsumer({ queue: 'one', declare: false, retry: false, idempotency: 'off' })
  onOne(): void {}
}

describe('a quorum queue with too few members', () => {
  let cluster: Cluster;
  let world: World;
  let holdfast: RunningHoldfast;
  let lost: ClusterNode;

  const found = async (): Promise<Record<string, string>> => {
    await holdfast.app.get(Inspection).inspect();
    expect(holdfast.app.get(Inspection).policyCheck).toEqual({ state: 'read' });
    const list = holdfast.app.get(Findings).list();
    return Object.fromEntries(list.map(({ object, kind, effect }) => [object, `${kind}: ${effect}`]));
  };

  beforeAll(async () => {
    cluster = await extraCluster();
    world = await World.create({ rabbitmqUrl: cluster.url });
    const channel = await world.broker.ready();
    for (const [queue, size] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      const args = { 'x-queue-type': 'quorum', 'x-quorum-initial-group-size': size };
      await channel.assertQueue(queue, { durable: true, arguments: args });
    }
    const [only] = (await cluster.membersOf('one')).members;
    lost = (await cluster.membersOf('two')).members.find(({ name }) => name !== only?.name)!;
    // The node that is going to be lost is asked first.
    const inTurn = [lost, ...cluster.nodes.filter(({ name }) => name !== lost.name)];
    holdfast = await world.start({
      handlers: [Handlers],
      variables: { HOLDFAST_MANAGEMENT_URL: inTurn.map(({ managementUrl }) => managementUrl).join(',') },
    });
  }, 120_000);
  afterAll(async () => {
    await world.remove();
    await cluster.remove();
  });

  it('is reported with the number of nodes it could live on', async () => {
    await eventually(async () => {
      expect(await found()).toEqual({
        one: expect.stringMatching(/^unreplicated: it lives on one of 3 nodes/),
        two: expect.stringMatching(/^unreplicated: it lives on two of 3 nodes/),
      });
    }, 40_000);
  });

  it('is reported when its majority is gone, by a node that is left, and a queue with enough members is not', async () => {
    await lost.kill();
    await eventually(async () => {
      expect(await found()).toEqual({
        one: expect.stringMatching(/^unreplicated: it lives on one of 3 nodes/),
        two: expect.stringMatching(/^unreplicated: only 1 of its 2 members are up/),
      });
    }, 60_000);
  });
});
