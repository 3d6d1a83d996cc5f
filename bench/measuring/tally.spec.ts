import { Tally } from './tally';

const orderOf = (sequence: number, sentAt?: number): Parameters<Tally['handling']>[0] => ({
  sequence,
  customer: 'customer-1',
  cents: 1,
  ...(sentAt === undefined ? {} : { sentAt }),
});

describe('the tally of a run', () => {
  it('counts every message by its number and times what is settled after the warm-up', async () => {
    const tally = new Tally({ messages: 4, deliveries: 4, warmUp: 1 });
    const counted = tally.whenAllSettled(1_000);
    for (const sequence of [0, 1, 2, 3]) {
      tally.handling(orderOf(sequence));
      tally.settled();
    }
    expect(await counted).toMatchObject({ distinct: 4, repeated: 0, timed: 3, latency: undefined });
  });

  it('sees what is handled again, and what is missing because of it', async () => {
    const tally = new Tally({ messages: 3, deliveries: 3, warmUp: 0 });
    for (const sequence of [0, 1, 1]) {
      tally.handling(orderOf(sequence));
      tally.settled();
    }
    expect(await tally.whenAllSettled(1_000)).toMatchObject({ distinct: 2, repeated: 1 });
  });

  it('refuses a message that nobody sent', () => {
    const tally = new Tally({ messages: 1, deliveries: 1, warmUp: 0 });
    expect(() => tally.handling(orderOf(1))).toThrow('message 1 was never sent');
  });

  it('lets the first try of each message fail where that is measured, and counts failures apart', async () => {
    const tally = new Tally({ messages: 2, deliveries: 2, warmUp: 1, failsFirst: true });
    const tries = [0, 1, 0, 1].map((sequence) => tally.handling(orderOf(sequence)));
    expect(tries).toEqual([true, true, false, false]);
    tally.failed();
    tally.failed();
    tally.settled();
    tally.settled();
    expect(await tally.whenAllSettled(1_000)).toMatchObject({ repeated: 2, failures: { timed: 1 } });
  });

  it('measures the way of a message from when it was sent, warm-up left out', async () => {
    const tally = new Tally({ messages: 2, deliveries: 2, warmUp: 2 });
    const sentAt = Number(process.hrtime.bigint() / 1_000n) / 1_000 - 50;
    // Far slower, and not counted.
    tally.settled(orderOf(0, sentAt - 10_000));
    tally.settled(orderOf(1, sentAt));
    const { latency } = await tally.whenAllSettled(1_000);
    expect(latency!.p50).toBeGreaterThanOrEqual(50);
    expect(latency!.p99).toBeLessThan(10_000);
  });

  it('gives up when something became of a message that must not', async () => {
    const tally = new Tally({ messages: 1, deliveries: 1, warmUp: 0 });
    const counted = tally.whenAllSettled(1_000);
    tally.broken('a message was settled as dead-letter');
    await expect(counted).rejects.toThrow('settled as dead-letter');
  });
});
