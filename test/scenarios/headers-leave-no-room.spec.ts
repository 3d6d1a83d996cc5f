import { ReliableConsumer } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('crowded');

class Failing {
  @ReliableConsumer({ queue, retry: { delays: ['100ms'] }, prefetch: 1, concurrency: 1 })
  handle(message: { ok: boolean }): void {
    if (!message.ok) throw new Error('no');
  }
}

describe('a message whose headers leave no room for ours', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Failing] });
  });
  afterAll(() => world.remove());

  it('is a dead letter, byte for byte, and stops nobody', async () => {
    const note = 'x'.repeat(65_000);
    await world.broker.send(queue, 'crowded-1', { ok: false }, { headers: { note } });
    await world.broker.send(queue, 'small-1', { ok: true });
    await holdfast.outcome('crowded-1', 'dead-letter');
    await holdfast.outcome('small-1', 'completed');
    const dead = await world.broker.take(`${queue}.dlq`);
    expect(dead.content.toString()).toBe('{"ok":false}');
    expect(dead.properties.headers?.['note']).toBe(note);
    expect(dead.properties.headers?.['x-death']?.[0]?.reason).toBe('rejected');
  });
});
