import { handlerFor, type ConsumerDefinition } from './consumer-definition';

const definition = (...handlers: [string, string[]][]): ConsumerDefinition =>
  ({
    handlers: handlers.map(([methodName, types]) => ({ methodName, types })),
  }) as unknown as ConsumerDefinition;

describe('handlerFor', () => {
  const typed = definition(['created', ['order.created', 'order.imported']], ['changed', ['order.changed']]);
  const withRest = definition(['rest', []], ['created', ['order.created']]);

  it.each<[string, ConsumerDefinition, string | undefined, string | undefined]>([
    ['its type', typed, 'order.changed', 'changed'],
    ['one of its types', typed, 'order.imported', 'created'],
    ['a type nobody takes', typed, 'order.lost', undefined],
    ['no type where every handler has one', typed, undefined, undefined],
    ['an empty type', typed, '', undefined],
    ['a type that differs in case', typed, 'Order.Created', undefined],
    ['a name of Object.prototype', typed, 'constructor', undefined],
    ['a named type before the handler of the rest', withRest, 'order.created', 'created'],
    ['any other type, for the rest', withRest, 'order.lost', 'rest'],
    ['no type, for the rest', withRest, undefined, 'rest'],
  ])('%s', (_, consumer, type, expected) => {
    expect(handlerFor(consumer, type)?.methodName).toBe(expected);
  });
});
