import { ReliableConsumer } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const drifted = aQueue('drifted');
const bare = aQueue('bare');
const sound = aQueue('sound');

class Handlers {
  @ReliableConsumer({ queue: drifted, idempotency: 'off' })
  onDrifted(): void {}

  @ReliableConsumer({ queue: bare, idempotency: 'off' })
  onBare(): void {}

  @ReliableConsumer({ queue: sound, idempotency: 'off' })
  onSound(): void {}
}

describe('a queue that exists with other arguments', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    const channel = await world.broker.ready();
    await channel.assertQueue(drifted, { durable: true, arguments: { 'x-message-ttl': 60_000 } });
    await channel.assertQueue(bare, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await world.broker.send(drifted, 'kept', {});
    holdfast = await world.start({ handlers: [Handlers], wait: false });
  });
  afterAll(() => world.remove());

  it('is reported with every difference and its mend, is not touched, and stops only its own consumer', async () => {
    await eventually(() => {
      expect(holdfast.consumers.get(drifted).state).toBe('drifted');
    });
    const { reason, drift } = holdfast.consumers.get(drifted);
    expect(reason).toContain('x-queue-type is declared as quorum but the queue has classic');
    expect(reason).toContain('x-message-ttl is declared as (not set) but the queue has 60000');
    expect(drift).toContainEqual({
      queue: drifted,
      argument: 'x-queue-type',
      declared: 'quorum',
      existing: 'classic',
      tolerated: false,
      mend: expect.stringContaining('delete'),
    });
    expect(await world.broker.depth(drifted)).toBe(1);

    await world.broker.send(sound, 's-1', {});
    await holdfast.outcome('s-1', 'completed');
  });

  it('is consumed all the same where only a safety net is missing, and that is reported too', async () => {
    await world.broker.send(bare, 'b-1', {});
    await holdfast.outcome('b-1', 'completed');
    const { state, drift } = holdfast.consumers.get(bare);
    expect(state).toBe('running');
    expect(drift.map(({ argument }) => argument)).toEqual(
      expect.arrayContaining(['x-dead-letter-exchange', 'x-delivery-limit']),
    );
    expect(drift.every(({ tolerated }) => tolerated)).toBe(true);
  });

  it('is consumed as soon as somebody has mended it', async () => {
    await (await world.broker.ready()).deleteQueue(drifted);
    await eventually(() => {
      expect(holdfast.consumers.get(drifted)).toMatchObject({ state: 'running', drift: [] });
    }, 25_000);
    await world.broker.send(drifted, 'd-1', {});
    await holdfast.outcome('d-1', 'completed');
  });
});
