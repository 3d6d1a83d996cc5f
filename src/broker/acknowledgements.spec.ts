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

/** Numbers that look random and are the same in every run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
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

  it.each(Array.from({ length: 200 }, (_, seed) => [seed]))(
    'in any order of deliveries, ends, returns and losses, only what is settled is acknowledged (seed %i)',
    (seed) => {
      const random = randomOf(seed);
      const { broker, acks } = channel(0);
      const prefetch = 1 + Math.floor(random() * 50);
      const inHand: number[] = [];
      const settled = new Set<number>();
      const returned = new Set<number>();
      const takeOne = (): number => inHand.splice(Math.floor(random() ** 2 * inHand.length), 1)[0]!;
      let sent = 0;
      let lost = false;
      const steps = 50 + Math.floor(random() * 500);
      for (let step = 0; step < steps && !lost; step++) {
        const dice = random();
        if (dice < 0.5 && broker.waitingFor.size < prefetch) {
          sent++;
          broker.waitingFor.add(sent);
          acks.delivered(sent);
          inHand.push(sent);
        } else if (dice < 0.85 && inHand.length > 0) {
          const tag = takeOne();
          settled.add(tag);
          expect(acks.acknowledge(tag)).toBe(true);
        } else if (dice < 0.9 && inHand.length > 0) {
          const tag = takeOne();
          returned.add(tag);
          expect(acks.withdraw(tag)).toBe(true);
          broker.waitingFor.delete(tag);
        } else if (dice < 0.995) {
          acks.flush();
          expect(new Set(broker.acknowledged)).toEqual(settled);
        } else lost = true;
        for (const tag of broker.acknowledged.slice(-prefetch)) expect(settled.has(tag)).toBe(true);
      }
      if (lost) acks.forget();
      acks.flush();
      // What the broker still waits for is what nobody has settled, and, after a loss, what the last turn had settled.
      expect(new Set(broker.acknowledged).size).toBe(broker.acknowledged.length);
      for (const tag of broker.acknowledged) expect(returned.has(tag)).toBe(false);
      if (!lost) expect([...broker.waitingFor].sort((a, b) => a - b)).toEqual(inHand.sort((a, b) => a - b));
      else for (const tag of inHand) expect(broker.waitingFor.has(tag)).toBe(true);
    },
  );
});
