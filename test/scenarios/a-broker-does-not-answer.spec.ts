import { ReliableConsumer } from 'holdfast';
import { BrokerConnections, ChannelKeeper, plainChannel } from '../../src/broker/broker.module';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

class Orders {
  @ReliableConsumer({ queue: aQueue('orders'), idempotency: 'off' })
  onOrder(): void {
    // Only its connection is needed.
  }
}

describe('a channel whose set-up is never answered', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders] });
  });
  afterAll(() => world.remove());

  it('is given up for another one, and what comes late knows that it is too late', async () => {
    const { consume } = holdfast.app.get(BrokerConnections);
    let tries = 0;
    let answerLate: () => void = () => undefined;
    let wasCurrent: boolean | undefined;
    const lost: (Error | undefined)[] = [];
    await new Promise<void>((resolve) => {
      const keeper = new ChannelKeeper(consume, {
        create: plainChannel,
        setup: async (_, isCurrent) => {
          if (++tries > 1) {
            answerLate();
            setImmediate(() => void keeper.stop().then(resolve));
            return;
          }
          await new Promise<void>((answer) => (answerLate = answer));
          wasCurrent = isCurrent();
        },
        lost: (error) => lost.push(error),
        delay: () => 10,
        answerMs: 100,
      });
      keeper.start();
    });
    expect(tries).toBe(2);
    expect(wasCurrent).toBe(false);
    expect(lost[0]?.message).toMatch(/did not answer within 100 ms/);
  });
});
