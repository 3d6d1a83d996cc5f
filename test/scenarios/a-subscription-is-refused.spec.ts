import { ReliableConsumer } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('exclusive');
const quiet = aQueue('quiet');

class Handlers {
  @ReliableConsumer({ queue, queueType: 'classic' })
  onRefused(): void {
    // Nothing to do: that it is called is what matters.
  }

  @ReliableConsumer(quiet)
  onQuiet(): void {
    // As above.
  }
}

describe('a subscription that the broker refuses', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    await world.broker.channel.assertQueue(queue, { durable: true });
    await world.broker.channel.consume(queue, () => undefined, {
      exclusive: true,
      consumerTag: 'the only one',
    });
    holdfast = await world.start({ handlers: [Handlers], wait: false });
  });
  afterAll(() => world.remove());

  it('says why, is tried again, and holds back no other consumer', async () => {
    await holdfast.events.next(
      'consumer.changed',
      (event) => event.queue === queue && /exclusive|refused/i.test(event.reason ?? ''),
    );
    await world.broker.send(quiet, 'q-1', {});
    await holdfast.outcome('q-1', 'completed');
    await world.broker.channel.cancel('the only one');
    await holdfast.attached();
    await world.broker.send(queue, 'r-1', {});
    await holdfast.outcome('r-1', 'completed');
  });
});
