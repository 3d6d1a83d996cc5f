import fc from 'fast-check';
import { Acknowledgements } from './acknowledgements';

/** The broker's end of one channel: it closes the channel over a tag that it does not wait for. */
class Broker {
  readonly waitingFor = new Set<number>();
  readonly acknowledged = new Set<number>();
  frames = 0;
  /** How many frames get through before the socket is gone. */
  constructor(private room = Infinity) {}

  deliver(tag: number): void {
    this.waitingFor.add(tag);
  }

  takeBack(tag: number): void {
    if (!this.waitingFor.delete(tag)) throw new Error(`PRECONDITION_FAILED - unknown delivery tag ${tag}`);
  }

  readonly receive = (tag: number, upTo: boolean): void => {
    if (this.room-- <= 0) throw new Error('IllegalOperationError: Channel closed');
    this.frames++;
    if (!this.waitingFor.has(tag)) throw new Error(`PRECONDITION_FAILED - unknown delivery tag ${tag}`);
    for (const one of upTo ? [...this.waitingFor].filter((waiting) => waiting <= tag) : [tag]) {
      this.waitingFor.delete(one);
      this.acknowledged.add(one);
    }
  };
}

/** What becomes of the deliveries of a channel, step by step; a position picks one of those in hand. */
type Step =
  | { readonly kind: 'deliver'; readonly count: number }
  /** Tags that never reach this consumer. */
  | { readonly kind: 'skip'; readonly count: number }
  | { readonly kind: 'acknowledge' | 'requeue' | 'reject'; readonly position: number }
  | { readonly kind: 'turn' };

const position = fc.nat({ max: 999 });
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 20 }) }),
    },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), position }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('requeue' as const, 'reject' as const), position }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  ),
  { maxLength: 120 },
);

/** One channel on which the steps happen; what is settled how is written down beside it. */
class Channel {
  readonly acks: Acknowledgements;
  readonly inHand: number[] = [];
  readonly settled = new Set<number>();
  readonly givenBack = new Set<number>();
  private tag = 0;

  constructor(readonly broker: Broker) {
    this.acks = new Acknowledgements(broker.receive);
  }

  play(step: Step): void {
    switch (step.kind) {
      case 'deliver':
        for (let i = 0; i < step.count; i++) {
          this.broker.deliver(++this.tag);
          this.acks.delivered(this.tag);
          this.inHand.push(this.tag);
        }
        return;
      case 'skip':
        for (let i = 0; i < step.count; i++) this.broker.deliver(++this.tag);
        return;
      case 'turn':
        this.acks.flush();
        return;
      default:
        this.settle(step.kind, step.position);
    }
  }

  private settle(kind: 'acknowledge' | 'requeue' | 'reject', at: number): void {
    const [tag] = this.inHand.splice(at % Math.max(1, this.inHand.length), 1);
    if (tag === undefined) return;
    if (kind === 'acknowledge') {
      expect(this.acks.acknowledge(tag)).toBe(true);
      this.settled.add(tag);
    } else {
      // Its own frame goes out at once, before those that are still being gathered.
      expect(this.acks.withdraw(tag)).toBe(true);
      this.broker.takeBack(tag);
      this.givenBack.add(tag);
    }
    expect(this.acks.acknowledge(tag)).toBe(false);
    expect(this.acks.withdraw(tag)).toBe(false);
  }

  /** Whatever happens: the broker has never been told that something is settled which is not. */
  expectSafe(): void {
    for (const tag of this.broker.acknowledged) expect(this.settled.has(tag)).toBe(true);
    for (const tag of this.inHand) expect(this.broker.waitingFor.has(tag)).toBe(true);
  }
}

describe('Acknowledgements, in any order of what can happen on a channel', () => {
  it('acknowledges by the end of a turn exactly what has been settled, and never closes the channel', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const channel = new Channel(new Broker());
        for (const step of script) {
          channel.play(step);
          channel.expectSafe();
          if (step.kind === 'turn') expect(channel.broker.acknowledged).toEqual(channel.settled);
        }
        channel.play({ kind: 'turn' });
        expect(channel.broker.acknowledged).toEqual(channel.settled);
        for (const tag of channel.givenBack) expect(channel.broker.acknowledged.has(tag)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('needs one frame for what was settled in one turn with nothing unsettled below it', () => {
    const order = fc.integer({ min: 1, max: 100 }).chain((count) =>
      fc.shuffledSubarray(
        Array.from({ length: count }, (_, i) => i),
        { minLength: count },
      ),
    );
    fc.assert(
      fc.property(order, (positions) => {
        const channel = new Channel(new Broker());
        channel.play({ kind: 'deliver', count: positions.length });
        for (const at of positions) channel.play({ kind: 'acknowledge', position: at });
        channel.play({ kind: 'turn' });
        expect(channel.broker).toMatchObject({ frames: 1, waitingFor: new Set() });
      }),
    );
  });

  it('sends nothing any more once the channel is lost, whenever that is', () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const channel = new Channel(new Broker());
        for (const step of before) channel.play(step);
        channel.acks.forget();
        const { frames } = channel.broker;
        const known = new Set(channel.broker.acknowledged);
        // Handlers that still run settle what came over it; `DeliveryChannel` refuses them, and so does this.
        for (const step of after) if (step.kind === 'turn') channel.play(step);
        expect(channel.broker.frames).toBe(frames);
        expect(channel.broker.acknowledged).toEqual(known);
        channel.expectSafe();
      }),
    );
  });

  it('is safe when the socket goes between two frames of a turn', () => {
    fc.assert(
      fc.property(steps, fc.nat({ max: 30 }), (script, room) => {
        const channel = new Channel(new Broker(room));
        for (const step of [...script, { kind: 'turn' } as const]) {
          try {
            channel.play(step);
          } catch (error) {
            expect(String(error)).toContain('Channel closed');
            break;
          }
          channel.expectSafe();
        }
        channel.acks.forget();
        channel.acks.flush();
        channel.expectSafe();
        expect(channel.broker.frames).toBeLessThanOrEqual(room);
      }),
    );
  });
});
