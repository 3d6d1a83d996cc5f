import type { Finding } from '../../message/message.module';
import { findingLines } from './finding-lines';

const finding = (object: string, more: Partial<Finding> = {}): Finding => ({
  object,
  kind: 'expires',
  policy: 'all',
  key: 'message-ttl',
  value: 5,
  effect: 'a message is lost',
  mend: 'let the policy "all" not match it',
  ...more,
});

describe('findingLines', () => {
  it('says what does harm, how, and what mends it', () => {
    expect(findingLines({ opened: [finding('orders')], closed: [] })).toEqual([
      {
        level: 'warn',
        fields: {
          finding: 'expires',
          policy: 'all',
          key: 'message-ttl',
          value: 5,
          objects: ['orders'],
          count: 1,
        },
        text: 'orders: policy "all" (message-ttl 5): a message is lost. Mend: let the policy "all" not match it',
      },
    ]);
  });

  it('says that it is over', () => {
    expect(findingLines({ opened: [], closed: [finding('orders')] })).toMatchObject([
      { level: 'log', text: 'orders: policy "all" (message-ttl 5): no longer: a message is lost' },
    ]);
  });

  it('names no policy where there is none', () => {
    expect(findingLines({ opened: [finding('orders', { policy: null })], closed: [] })[0]?.text).toBe(
      'orders: a message is lost. Mend: let the policy "all" not match it',
    );
  });

  it('has one line for many queues to which the same happens', () => {
    const many = Array.from({ length: 30 }, (_, i) => finding(`q${i}`));
    const lines = findingLines({ opened: [...many, finding('other', { effect: 'else' })], closed: [] });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      fields: { count: 30 },
      text: expect.stringMatching(/^q0, .*q9 and 20 more: /),
    });
  });
});
