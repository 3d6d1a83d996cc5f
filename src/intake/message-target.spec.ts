import type { ConsumerDefinition } from '../registration/registration.module';
import { findTarget } from './message-target';

const consumer = (queue: string, ...handlers: string[][]): ConsumerDefinition =>
  ({
    queue,
    handlers: handlers.map((types) => ({ types, methodName: types.join() })),
  }) as unknown as ConsumerDefinition;

const consumers = [
  consumer('orders', []),
  consumer('shipping', ['parcel'], ['letter', 'postcard']),
  consumer('mail', ['letter']),
  consumer('audit', ['login'], []),
  consumer('invoices', ['invoices']),
];

describe('findTarget', () => {
  it.each([
    ['orders', 'orders', undefined],
    ['parcel', 'shipping', 'parcel'],
    ['postcard', 'shipping', 'postcard'],
    ['mail', 'mail', 'letter'],
    ['audit', 'audit', undefined],
    ['login', 'audit', 'login'],
    ['invoices', 'invoices', 'invoices'],
  ])('%s means queue %s, type %s', (name, queue, type) => {
    const target = findTarget(name, consumers);
    expect([target.consumer.queue, target.type]).toEqual([queue, type]);
  });

  it.each([
    [
      'nothing',
      'Nobody handles "nothing". Known are: audit, invoices, letter, login, orders, parcel, postcard.',
    ],
    [
      'shipping',
      '"shipping" may mean: parcel of queue shipping; letter of queue shipping; postcard of queue shipping.',
    ],
    ['letter', '"letter" may mean: letter of queue shipping; letter of queue mail.'],
    ['__proto__', 'Nobody handles "__proto__"'],
  ])('refuses %s', (name, message) => {
    expect(() => findTarget(name, consumers)).toThrow(message);
  });

  it('says so when there is no handler at all', () => {
    expect(() => findTarget('orders', [])).toThrow('No handler is registered.');
  });
});
