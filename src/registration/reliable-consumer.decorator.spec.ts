import 'reflect-metadata';
import {
  decoratedBeyond,
  hasReliableConsumers,
  readReliableConsumers,
  ReliableBatchConsumer,
  ReliableConsumer,
} from './reliable-consumer.decorator';

abstract class Base {
  @ReliableConsumer('inherited')
  inherited(): void {
    return;
  }
}
class Orders extends Base {
  @ReliableConsumer('one')
  @ReliableConsumer({ queue: 'two', concurrency: 1 })
  on(): void {
    return;
  }

  @ReliableBatchConsumer({ queue: 'three', batchSize: 50 })
  many(_: { id: string }[]): void {
    return;
  }

  plain(): void {
    return;
  }
}
class Overriding extends Base {
  override inherited(): void {
    return;
  }
}
class Plain {
  on(): void {
    return;
  }
}
const methodOf = (type: { prototype: object }, name: string): unknown =>
  (type.prototype as Record<string, unknown>)[name];

describe('@ReliableConsumer', () => {
  it('keeps every options of a method, the one next to it first', () => {
    expect(readReliableConsumers(methodOf(Orders, 'on'))).toEqual([
      { source: { queue: 'two', concurrency: 1 }, isBatch: false },
      { source: 'one', isBatch: false },
    ]);
  });

  it('tells a handler of many messages from one of each', () => {
    expect(readReliableConsumers(methodOf(Orders, 'many'))).toEqual([
      { source: { queue: 'three', batchSize: 50 }, isBatch: true },
    ]);
  });

  it('is inherited with the method', () => {
    expect(readReliableConsumers(methodOf(Orders, 'inherited'))).toEqual([
      { source: 'inherited', isBatch: false },
    ]);
  });

  it.each([undefined, null, 7, 'on', {}, () => undefined])('is not on %p', (value) => {
    expect(readReliableConsumers(value)).toEqual([]);
  });

  it.each([
    [Orders, true],
    [Base, true],
    [Plain, false],
    [class Below extends Orders {}, true],
  ])('knows whether %p has one', (type, expected) => {
    expect(hasReliableConsumers(type)).toBe(expected);
  });

  it.each([undefined, null, 'Orders', {}, () => undefined])('%p has none', (value) => {
    expect(hasReliableConsumers(value)).toBe(false);
  });

  it('names what none of the known classes has', () => {
    expect(decoratedBeyond([Plain.prototype])).toEqual(
      expect.arrayContaining([
        'Base.inherited has @ReliableConsumer',
        'Orders.on has @ReliableConsumer',
        'Orders.many has @ReliableBatchConsumer',
      ]) as string[],
    );
    expect(decoratedBeyond([Orders.prototype])).toEqual([]);
    expect(decoratedBeyond([Overriding.prototype]).sort()).toEqual([
      'Orders.many has @ReliableBatchConsumer',
      'Orders.on has @ReliableConsumer',
      'Orders.on has @ReliableConsumer',
    ]);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'a static method',
      () => {
        class Wrong {
          @ReliableConsumer('q')
          static on(): void {
            return;
          }
        }
        return Wrong;
      },
      /@ReliableConsumer on Wrong\.on: .*static/,
    ],
    [
      'a static method of batches',
      () => {
        class Wrong {
          @ReliableBatchConsumer('q')
          static on(): void {
            return;
          }
        }
        return Wrong;
      },
      /@ReliableBatchConsumer on Wrong\.on: .*static/,
    ],
    [
      'a getter',
      () => {
        class Wrong {
          @ReliableConsumer('q')
          get on(): number {
            return 1;
          }
        }
        return Wrong;
      },
      /@ReliableConsumer on Wrong\.on: .*method/,
    ],
  ])('refuses %s', (_, define, complaint) => {
    expect(define).toThrow(complaint);
  });
});
