import { inspectedOf } from './inspected';
import { vhostOf } from './policy-reader';

describe('inspectedOf', () => {
  const bindings = [{ exchange: 'shop', routingKey: 'order.created', exchangeType: 'topic' }];
  const orders = { queue: 'orders', queueType: 'quorum' as const, declare: true, bindings };
  const mail = { queue: 'mail', queueType: 'classic' as const, declare: false, bindings };

  it('names all that this process relies on, each once', () => {
    const { queues, exchanges } = inspectedOf('ns', [orders, mail], [60_000, 1_000]);
    expect(queues.map(({ name, role, isOurs }) => [name, role, isOurs])).toEqual([
      ['orders', 'work', true],
      ['orders.dlq', 'dead-letters', true],
      ['mail', 'work', false],
      ['mail.dlq', 'dead-letters', true],
      ['ns.delay.1m', 'delay', true],
      ['ns.delay.1s', 'delay', true],
      ['ns.unroutable', 'unroutable', true],
    ]);
    expect(exchanges.map(({ name, role }) => [name, role])).toEqual([
      ['ns.dead', 'dead-letters'],
      ['ns.due', 'due'],
      ['ns.unroutable', 'unroutable'],
      ['ns.delay.1m', 'delay'],
      ['ns.delay.1s', 'delay'],
      ['shop', 'application'],
    ]);
  });
});

describe('vhostOf', () => {
  it.each([
    ['amqp://rabbit', '/'],
    ['amqp://rabbit/', '/'],
    ['amqp://u:p@rabbit:5672/%2F', '/'],
    ['amqps://rabbit/team%2Fa?heartbeat=5', 'team/a'],
    ['amqp://rabbit/v', 'v'],
  ])('of %s is %s', (url, vhost) => {
    expect(vhostOf([url, 'amqp://other/else'])).toBe(vhost);
  });
});
