import { consumerPlan, housePlan, tierPlan } from './plan';

describe('the plan on the broker', () => {
  const orders = {
    queue: 'orders',
    queueType: 'quorum' as const,
    declare: true,
    bindings: [{ exchange: 'shop', routingKey: 'order.created', exchangeType: 'topic' }],
  };

  it('is as approved', () => {
    expect({
      house: housePlan('holdfast'),
      tier: tierPlan('holdfast', 60_000),
      consumer: consumerPlan('holdfast', orders),
    }).toMatchSnapshot();
  });

  it('leaves a queue of somebody else alone', () => {
    const plan = consumerPlan('holdfast', { ...orders, declare: false });
    expect(plan.queues.map(({ name }) => name)).toEqual(['orders.dlq']);
  });

  it('gives a classic queue no arguments of quorum queues', () => {
    const queue = consumerPlan('holdfast', { ...orders, queueType: 'classic' }).queues.find(
      ({ name }) => name === 'orders',
    );
    expect(Object.keys(queue?.arguments ?? {})).toEqual([
      'x-dead-letter-exchange',
      'x-dead-letter-routing-key',
    ]);
  });
});
