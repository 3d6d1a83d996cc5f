import { Type } from 'class-transformer';
import { IsInt, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import fc from 'fast-check';
import { z } from 'zod';
import { anything, type Hostile } from '../../test/support/hostile-values';
import { examinable, Rejected, type MiddlewareContext } from '../message/message.module';
import type { StandardSchema } from './standard-schema';
import { createValidate, validatePayload, type MessageSchema } from './validate';

class Item {
  @IsString()
  sku!: string;
}
class Order {
  @IsInt()
  amount!: number;

  @ValidateNested({ each: true })
  @Type(() => Item)
  @IsOptional()
  items?: Item[];

  @IsObject()
  @IsOptional()
  more?: object;
}

/** A schema of no library that answers as it is told. */
function answering(answer: () => unknown): StandardSchema {
  return {
    '~standard': { version: 1, vendor: 'ours', validate: answer as StandardSchema['~standard']['validate'] },
  };
}

const schemas: readonly MessageSchema[] = [
  Order,
  z.object({ amount: z.number().int() }),
  z.looseObject({ amount: z.number().int() }),
  z.record(z.string(), z.unknown()),
  answering(() => ({ issues: [{ message: 'no' }] })),
];
/** JSON whose keys are those that change an object where they are not just keys. */
const json = fc.json().chain((text) =>
  fc.constantFrom('__proto__', 'constructor', 'amount', 'items', 'more', 'then').map((key) => {
    return JSON.parse(`{"amount":1,${JSON.stringify(key)}:${text}}`) as unknown;
  }),
);

const judged = async (schema: MessageSchema, payload: unknown): Promise<unknown> => {
  const context = { payload } as MiddlewareContext;
  try {
    await createValidate(schema)(context, () => Promise.resolve());
    return context.payload;
  } catch (error) {
    return examinable(error);
  }
};

describe('validation, of anything', () => {
  it('takes a message or makes it a dead letter, whatever the message is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...schemas),
        fc.oneof(json, fc.jsonValue()),
        async (schema, payload) => {
          const validation = await validatePayload(schema, payload);
          const made = await judged(schema, payload);
          expect(made instanceof Rejected).toBe(!validation.ok);
          if (made instanceof Rejected) {
            expect(made.deadLetterReason).toBe('invalid');
            expect(made.message.length).toBeGreaterThan(0);
            expect(made.message.length).toBeLessThanOrEqual(2_001);
          }
          // Nothing in a message reaches what other objects are made from.
          expect(Object.keys(Object.prototype)).toEqual([]);
          expect(Object.getPrototypeOf({})).toBe(Object.prototype);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps an instance of a class one, whatever keys the message has', async () => {
    await fc.assert(
      fc.asyncProperty(json, async (payload) => {
        const validation = await validatePayload(Order, payload);
        if (validation.ok) expect(Object.getPrototypeOf(validation.value)).toBe(Order.prototype);
      }),
    );
  });

  it('finds a message invalid for a schema that throws, whatever it throws', async () => {
    await fc.assert(
      fc.asyncProperty(anything(), fc.boolean(), async ({ make }, late) => {
        const thrown = make();
        const schema = answering(() => {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the very point
          if (late) return Promise.reject(thrown);
          throw thrown;
        });
        const made = await judged(schema, {});
        expect(made).toBeInstanceOf(Rejected);
        expect((made as Rejected).message).toMatch(/^the schema threw /);
      }),
    );
  });

  it('says something of bounded length about issues of any shape', async () => {
    const segment = fc.oneof(fc.string(), fc.integer(), fc.record({ key: fc.string() }), anything());
    const message = fc.constantFrom<unknown>(
      'no',
      'no '.repeat(2_000),
      undefined,
      null,
      7,
      Symbol('s'),
      Object.create(null),
    );
    const issue = fc.record({ message, path: fc.array(segment, { maxLength: 3 }) }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(
        fc.array(issue, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 150 }),
        async (some, times) => {
          const made = ({ message: words, path = [] }: { message?: unknown; path?: unknown[] }): object => ({
            message: words,
            path: path.map((one) =>
              typeof one === 'object' && one !== null && 'make' in one ? (one as Hostile).make() : one,
            ),
          });
          const issues = Array.from({ length: times }, () => some.map(made)).flat();
          const rejected = await judged(
            answering(() => ({ issues })),
            {},
          );
          expect(rejected).toBeInstanceOf(Rejected);
          expect((rejected as Rejected).message.length).toBeLessThanOrEqual(2_001);
        },
      ),
      { numRuns: 50 },
    );
  });
});
