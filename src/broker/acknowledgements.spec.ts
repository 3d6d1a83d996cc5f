import { Acknowledgements } from './acknowledgements';

/** What a broker does with acknowledgements on one channel: RabbitMQ closes it over a tag that it does not wait for. */
class Broker {
  readonly waitingFor = new Set<number>();
  readonly acknowledged: number[] = [];
  frames = 0;

  readonly receive = (tag: number, upTo: boolean): void => {
    this.frames++;
    if (!this.waitingFor.has(tag)) throw new Error(`PRECONDITION_FAILED - unknown delivery tag ${tag}`);
    const covered = upTo ? [...this.waitingFor].filter((one) => one <= tag) : [tag];
    for (const one of covered) {
      this.waitingFor.delete(one);
      this.acknowledged.push(one);
    }
  };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function channel(deliveries: number): { broker: Broker; acks: Acknowledgements } {
  const broker = new Broker();
  const acks = new Acknowledgements(broker.receive);
  for (let tag = 1; tag <= deliveries; tag++) {
    broker.waitingFor.add(tag);
    acks.delivered(tag);
  }
  return { broker, acks };
}

describe('Acknowledgements', () => {
  it('acknowledges a lone delivery by the end of the turn', async () => {
    const { broker, acks } = channel(1);
    acks.acknowledge(1);
    await nextTurn();
    expect(broker.acknowledged).toEqual([1]);
  });

  it.each<[string, number, number[], number, number[]]>([
    ['in order, all in one frame', 5, [1, 2, 3, 4, 5], 1, [1, 2, 3, 4, 5]],
    ['out of order but complete, all in one frame', 5, [4, 2, 5, 1, 3], 1, [1, 2, 3, 4, 5]],
    ['the oldest is missing: each by itself', 4, [3, 2, 4], 3, [2, 3, 4]],
    ['a gap: one frame below it, single ones above', 6, [1, 2, 5, 6], 3, [1, 2, 5, 6]],
  ])('%s', async (_, deliveries, settled, frames, acknowledged) => {
    const { broker, acks } = channel(deliveries);
    for (const tag of settled) acks.acknowledge(tag);
    await nextTurn();
    expect(broker.frames).toBe(frames);
    expect(broker.acknowledged.sort((a, b) => a - b)).toEqual(acknowledged);
  });

  it('goes past a delivery that was given back, and never acknowledges it', async () => {
    const { broker, acks } = channel(3);
    acks.acknowledge(1);
    acks.withdraw(2);
    broker.waitingFor.delete(2);
    acks.acknowledge(3);
    await nextTurn();
    expect(broker).toMatchObject({ frames: 1, acknowledged: [1, 3] });
  });

  it('never covers a delivery that did not reach the consumer', async () => {
    const { broker, acks } = channel(1);
    broker.waitingFor.add(2);
    broker.waitingFor.add(3);
    acks.delivered(3);
    acks.acknowledge(1);
    acks.acknowledge(3);
    await nextTurn();
    expect([...broker.waitingFor]).toEqual([2]);
  });

  it('settles a delivery once', async () => {
    const { broker, acks } = channel(2);
    expect([acks.acknowledge(1), acks.acknowledge(1), acks.withdraw(1), acks.acknowledge(7)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    await nextTurn();
    expect(broker.acknowledged).toEqual([1]);
  });

  it('sends nothing more once the channel is lost', async () => {
    const { broker, acks } = channel(2);
    acks.acknowledge(1);
    acks.forget();
    await nextTurn();
    expect(broker.frames).toBe(0);
  });

  it('sends at once what has been gathered when it is told to', () => {
    const { broker, acks } = channel(2);
    acks.acknowledge(1);
    acks.flush();
    expect(broker.acknowledged).toEqual([1]);
  });
});
