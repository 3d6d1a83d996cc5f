import 'reflect-metadata';
import { Type } from 'class-transformer';
import { IsInt, IsPositive, IsString, ValidateBy, ValidateNested } from 'class-validator';
import { z } from 'zod';
import { Rejected, type MiddlewareContext } from '../message/message.module';
import type { StandardResult, StandardSchema } from './standard-schema';
import { createValidate, isSchema, validatePayload, type MessageSchema } from './validate';

const Order = z.object({
  id: z.string().min(1),
  total: z.coerce.number().positive(),
  items: z.array(z.object({ sku: z.string(), count: z.int().default(1) })).default([]),
});

class Line {
  @IsString()
  sku!: string;

  @IsInt()
  @IsPositive()
  count!: number;
}

class OrderDto {
  @IsString()
  id!: string;

  @ValidateNested({ each: true })
  @Type(() => Line)
  items!: Line[];
}

class Heir extends OrderDto {}

class Undecorated {
  id!: string;
}

class Explosive {
  @ValidateBy({
    name: 'explodes',
    async: true,
    validator: { validate: () => Promise.reject(new Error('the shop is closed')) },
  })
  id!: string;
}

function standard(
  validate: (value: unknown) => StandardResult<unknown> | Promise<StandardResult<unknown>>,
): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

const callable = Object.assign(
  () => undefined,
  standard((value) => ({ value: [value] })),
);

describe('isSchema', () => {
  it.each<[string, unknown, boolean]>([
    ['zod', Order, true],
    ['a Standard Schema', standard((value) => ({ value })), true],
    ['a callable Standard Schema', callable, true],
    ['a class', OrderDto, true],
    ['version 2', { '~standard': { version: 2, validate: () => ({}) } }, false],
    ['no validate', { '~standard': { version: 1 } }, false],
    ['null inside', { '~standard': null }, false],
    ['an arrow function', () => true, false],
    ['an object', {}, false],
    ['null', null, false],
    ['undefined', undefined, false],
    ['a text', 'Order', false],
  ])('%s', (_what, value, answer) => {
    expect(isSchema(value)).toBe(answer);
  });
});

describe('createValidate', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'schema is undefined; it must be a zod schema'],
    ['null', null, 'schema is null'],
    ['an object', {}, 'schema is object'],
    ['a class without decorators', Undecorated, 'the class Undecorated cannot validate messages'],
    ['a class of the platform', Map, 'the class Map cannot validate messages'],
  ])('refuses %s at boot', (_what, schema, words) => {
    expect(() => createValidate(schema as MessageSchema)).toThrow(words);
  });

  it('names what to install when class-validator is missing', () => {
    jest.isolateModules(() => {
      jest.doMock('class-validator', () => {
        throw new Error("Cannot find module 'class-validator'");
      });
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- a fresh copy that finds no library
      const fresh = require('./validate') as { createValidate: typeof createValidate };
      expect(() => fresh.createValidate(OrderDto)).toThrow('npm install class-validator class-transformer');
      expect(() => fresh.createValidate(Order)).not.toThrow();
      jest.dontMock('class-validator');
    });
  });

  it.each<[string, MessageSchema, unknown, unknown]>([
    [
      'zod, with defaults and conversions',
      Order,
      { id: 'a', total: '2.5', extra: 1 },
      { id: 'a', total: 2.5, items: [] },
    ],
    ['zod, asynchronous', z.string().transform(async (text) => text.length), 'four', 4],
    ['a Standard Schema', standard((value) => ({ value: { wrapped: value } })), 1, { wrapped: 1 }],
    ['an asynchronous one', standard(async (value) => ({ value })), null, null],
    ['a callable one', callable, 1, [1]],
    ['a result with undefined', standard(() => ({ value: undefined })), 1, undefined],
  ])('%s replaces the payload', async (_what, schema, payload, value) => {
    const context = { payload } as MiddlewareContext;
    const next = jest.fn(() => Promise.resolve());
    await createValidate(schema)(context, next);
    expect(context.payload).toEqual(value);
    expect(next).toHaveBeenCalledTimes(1);
  });

  it.each([OrderDto, Heir])('%p gives instances and keeps unknown properties', async (type) => {
    const context = {
      payload: { id: 'a', items: [{ sku: 's', count: 1 }], added: true },
    } as MiddlewareContext;
    await createValidate(type)(context, () => Promise.resolve());
    expect(context.payload).toBeInstanceOf(type);
    expect(context.payload).toEqual({ id: 'a', items: [{ sku: 's', count: 1 }], added: true });
    expect((context.payload as OrderDto).items[0]).toBeInstanceOf(Line);
  });

  it.each<[string, MessageSchema, unknown, string]>([
    ['zod', Order, { id: '', total: -1, items: [{ sku: 's' }, {}] }, 'items[1].sku: '],
    ['zod at the root', Order, [], 'Invalid input: expected object, received array'],
    ['a symbol and an object in the path', standard(() => ({ issues: [{ message: 'no', path: [{ key: 'a' }, Symbol('b')] }] })), 1, 'a.Symbol(b): no'], // prettier-ignore
    [
      'a class',
      OrderDto,
      { items: [{ sku: 's', count: 0 }] },
      'items[0].count: count must be a positive number',
    ],
    ['a class, one property', OrderDto, { id: 1, items: [] }, 'id: id must be a string'],
    ['a class given null', OrderDto, null, 'expected an object, got null'],
    ['a class given a list', OrderDto, [], 'expected an object, got an array'],
    ['a class given a text', OrderDto, 'x', 'expected an object, got string'],
    ['a class given bytes', OrderDto, Buffer.from('{}'), 'expected an object, got bytes'],
    ['a schema that throws', standard(() => { throw new TypeError('cannot read'); }), 1, 'the schema threw TypeError: cannot read'], // prettier-ignore
    [
      'a schema that rejects',
      standard(() => Promise.reject(new Error('away'))),
      1,
      'the schema threw Error: away',
    ],
    [
      'a schema that throws a text',
      standard(() => {
        throw 'plain'; // eslint-disable-line @typescript-eslint/only-throw-error -- hostile
      }),
      1,
      'the schema threw plain',
    ],
    ['a class that throws', Explosive, { id: 1 }, 'the schema threw Error: the shop is closed'],
    [
      'zod that throws',
      z.string().refine(() => Promise.reject(new Error('deep'))),
      'x',
      'the schema threw Error: deep',
    ],
    ['a schema that answers nothing', standard(() => undefined as never), 1, 'the schema threw TypeError'],
  ])('%s refuses, as a dead letter', async (_what, schema, payload, words) => {
    const context = { payload } as MiddlewareContext;
    const next = jest.fn(() => Promise.resolve());
    const error: unknown = await Promise.resolve(createValidate(schema)(context, next)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Rejected);
    expect(error).toMatchObject({ deadLetterReason: 'invalid' });
    expect((error as Error).message).toContain(words);
    expect(context.payload).toBe(payload);
    expect(next).not.toHaveBeenCalled();
  });

  it('keeps what a schema threw as the cause', async () => {
    const boom = new Error('boom');
    const validate = createValidate(standard(() => Promise.reject(boom)));
    await expect(
      validate({ payload: 1 } as MiddlewareContext, () => Promise.resolve()),
    ).rejects.toMatchObject({
      cause: boom,
    });
  });

  it('cuts what nobody reads', async () => {
    const payload = { id: 'a', total: 1, items: Array.from({ length: 50_000 }, () => ({})) };
    const validation = await validatePayload(Order, payload);
    expect(validation.ok ? [] : validation.issues).toHaveLength(101);
    const error: unknown = await Promise.resolve(
      createValidate(Order)({ payload } as MiddlewareContext, () => Promise.resolve()),
    ).catch((thrown: unknown) => thrown);
    expect((error as Error).message.length).toBeLessThanOrEqual(2_001);
  });
});

describe('hostile payloads of a class', () => {
  afterEach(() => {
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each([
    '{"__proto__":{"polluted":true},"id":"a","items":[]}',
    '{"constructor":{"prototype":{"polluted":true}},"id":"a","items":[]}',
    '{"id":"a","items":[{"__proto__":{"polluted":true},"sku":"s","count":1}]}',
  ])('pollute no prototype: %s', async (json) => {
    await validatePayload(OrderDto, JSON.parse(json));
    expect(Object.getPrototypeOf(OrderDto.prototype)).toBe(Object.prototype);
  });
});
