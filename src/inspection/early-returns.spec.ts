import type { Delivery } from '../message/message.module';
import { EarlyReturns } from './early-returns';

const TIER = 'ns.delay.1m';
const MINUTE = 60_000;

describe('EarlyReturns', () => {
  let returns: EarlyReturns;
  let made = 0;

  beforeEach(() => (returns = new EarlyReturns()));

  const send = (sentAt: number, tier = TIER): string => {
    const copyToken = `token-${++made}`;
    returns.sent({ tier, delayMs: MINUTE, copyToken, sentAt });
    return copyToken;
  };
  const comeBack = (
    copyToken: string | undefined,
    receivedAt: number,
    more: Partial<Delivery> = {},
  ): void => {
    const headers = {
      'x-death': [
        { queue: TIER, reason: 'expired' },
        { queue: 'older', reason: 'maxlen' },
      ],
    };
    returns.returned({ viaRetry: true, headers, copyToken, receivedAt, ...more } as Delivery);
  };
  const trip = (ms: number, reason = 'expired'): void => {
    comeBack(send(made), made - 1 + ms, { headers: { 'x-death': [{ queue: TIER, reason }] } });
  };
  const kinds = (): string[] => returns.findings().map(({ object, kind }) => `${object} ${kind}`);

  it('finds a tier whose copies come back early twice in a row', () => {
    trip(500);
    expect(kinds()).toEqual([]);
    trip(500);
    expect(kinds()).toEqual([`${TIER} expires`]);
    expect(returns.findings()[0]?.effect).toMatch(/the last one after 50\dms/);
  });

  it('does not take one early copy, or copies with one in time between them, for a rule', () => {
    trip(500);
    trip(MINUTE);
    trip(500);
    expect(kinds()).toEqual([]);
  });

  it('takes it back when a copy comes in time', () => {
    trip(500);
    trip(500);
    trip(MINUTE + 5);
    expect(kinds()).toEqual([]);
  });

  it('believes the broker that says a copy was pushed out, until one comes in time', () => {
    trip(500, 'maxlen');
    expect(kinds()).toEqual([`${TIER} drops`]);
    trip(MINUTE);
    expect(kinds()).toEqual([]);
  });

  it('says nothing by copies that other processes have sent', () => {
    for (let i = 0; i < 3; i++) {
      send(0);
      comeBack('of another', 1);
      comeBack(undefined, 1);
    }
    expect(kinds()).toEqual([]);
  });

  it('says nothing by what did not come out of a tier of ours', () => {
    for (let i = 0; i < 3; i++) {
      const token = send(0);
      const headers = { 'x-death': [{ queue: 'somebody-elses', reason: 'maxlen' }] };
      comeBack(token, 1, { headers });
      comeBack(token, 1, { viaRetry: false });
      for (const death of [undefined, [], [null], [{}], 'text', [{ queue: 1, reason: 2 }]])
        comeBack(token, 1, { headers: { 'x-death': death } });
    }
    expect(kinds()).toEqual([]);
  });

  it('watches another copy when one does not come back', () => {
    const lost = send(0);
    send(MINUTE);
    comeBack(send(4 * MINUTE), 4 * MINUTE + 1);
    comeBack(lost, 5 * MINUTE);
    comeBack(send(6 * MINUTE), 6 * MINUTE + 1);
    expect(kinds()).toEqual([`${TIER} expires`]);
  });
});
