import { RefusedError, UnroutableError } from '../broker/broker.module';
import { Refusals } from './refusals';

describe('Refusals', () => {
  let refusals: Refusals;
  const refuse = (exchange: string, routingKey: string): void => {
    refusals.note({ exchange, routingKey, error: new RefusedError(exchange, routingKey) });
  };
  const queues = (): string[] => refusals.findings().map(({ object, kind }) => `${object} ${kind}`);

  beforeEach(() => {
    jest.useFakeTimers();
    refusals = new Refusals('ns', 60_000);
  });
  afterEach(() => jest.useRealTimers());

  it('find the queue that is full, by the exchange that refused', () => {
    refuse('ns.dead', 'orders');
    refuse('ns.delay.1m', 'orders');
    refuse('ns.delay.1m', 'mail');
    expect(queues()).toEqual(['orders.dlq refuses', 'ns.delay.1m refuses']);
  });

  it('forget it a minute after the last refusal', () => {
    refuse('ns.delay.1m', 'orders');
    jest.advanceTimersByTime(59_000);
    refuse('ns.delay.1m', 'orders');
    jest.advanceTimersByTime(60_000);
    expect(queues()).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(queues()).toEqual([]);
  });

  it('say nothing of exchanges that are not ours, and of other failures', () => {
    refuse('shop', 'order.created');
    refuse('', 'orders');
    const error = new UnroutableError('ns.dead', 'orders');
    refusals.note({ exchange: 'ns.dead', routingKey: 'orders', error });
    expect(queues()).toEqual([]);
  });
});
