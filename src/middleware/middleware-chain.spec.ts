import { setTimeout as sleep } from 'node:timers/promises';
import { HOSTILE_VALUES } from '../../test/support/hostile-values';
import { Discard, Rejected, type MiddlewareContext, type Next } from '../message/message.module';
import {
  arrange,
  asMiddleware,
  compose,
  goingStraightOn,
  type Last,
  type Middleware,
} from './middleware-chain';

const context = {} as MiddlewareContext;
const nothing: Last = () => Promise.resolve();

function failing(error: unknown): Last {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the very point
  return () => Promise.reject(error);
}

/** What the chain ended with; a sentinel tells "nothing was thrown" from a thrown undefined. */
async function thrown(run: Promise<void>): Promise<unknown> {
  return run.then(
    () => 'nothing thrown',
    (error: unknown) => error,
  );
}

describe('compose', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(() => process.on('unhandledRejection', note));
  afterAll(() => process.off('unhandledRejection', note));
  afterEach(async () => {
    await sleep(5);
    expect(unhandled.splice(0)).toEqual([]);
  });

  it('runs its end when there is no middleware', async () => {
    const run = jest.fn(nothing);
    await compose([], run)(context);
    expect(run.mock.calls).toEqual([[context]]);
  });

  it('rejects with what can be examined, whoever throws what cannot', async () => {
    const hostile = HOSTILE_VALUES['a revoked Proxy']!();
    const rude = (): never => {
      throw hostile;
    };
    for (const chain of [compose([], failing(hostile)), compose([], rude), compose([rude], nothing)])
      expect(await thrown(chain(context))).toMatchObject({ name: 'NonError' });
  });

  it('runs outside in and back, with one context', async () => {
    const steps: string[] = [];
    const step =
      (name: string): Middleware =>
      async (given, next) => {
        expect(given).toBe(context);
        steps.push(`${name} in`);
        await next();
        steps.push(`${name} out`);
      };
    await compose([step('a'), step('b')], async () => void steps.push('handler'))(context);
    expect(steps).toEqual(['a in', 'b in', 'handler', 'b out', 'a out']);
  });

  it('serves many messages at once', async () => {
    const seen: unknown[] = [];
    const chain = compose([async (_given, next) => (await sleep(1), next())], async (given) => {
      seen.push(given.payload);
    });
    await Promise.all([1, 2, 3].map((payload) => chain({ payload } as MiddlewareContext)));
    expect(seen).toEqual([1, 2, 3]);
  });

  class Filter {
    use(): void {}
  }
  it.each([
    ['a class', asMiddleware(new Filter()), 'Filter ended without'],
    ['a named function', async function silent() {}, 'silent ended without'],
    ['an arrow without a name', [async () => {}][0]!, 'the middleware at position 1 ended without'],
  ])('makes a dead letter of a message that %s let end in silence', async (_who, middleware, words) => {
    const error = await thrown(compose([middleware], nothing)(context));
    expect(error).toBeInstanceOf(Rejected);
    expect(error).toMatchObject({ deadLetterReason: 'middleware-stopped' });
    expect((error as Error).message).toContain(words);
    expect((error as Error).message).toContain('Discard');
  });

  it('lets its end go no further', async () => {
    await expect(compose([(_given, next) => next()], nothing)(context)).resolves.toBeUndefined();
  });

  it.each([[new Discard('old')], [new Error('boom')], ['a text'], [undefined], [null], [{ odd: true }]])(
    'passes on what the end throws: %p',
    async (error) => {
      expect(await thrown(compose([(_given, next) => next()], failing(error))(context))).toBe(error);
    },
  );

  it.each([
    ['throws at once', () => { throw new Error('now'); }], // prettier-ignore
    ['rejects', async () => { throw new Error('now'); }], // prettier-ignore
  ])('passes on what a middleware throws when it %s', async (_how, middleware) => {
    await expect(compose([middleware], nothing)(context)).rejects.toThrow('now');
  });

  it('takes an end that throws before it returns a promise like any failure', async () => {
    const rude: Last = () => {
      throw new Error('rude');
    };
    const outcome = compose([async (_given, next) => next()], rude)(context);
    await expect(outcome).rejects.toThrow('rude');
  });

  describe('with a built-in step that goes straight on', () => {
    const plain = goingStraightOn((_given, next) => next());
    const careful: Middleware = async (_given, next) => next();

    it('runs it in its place', async () => {
      const steps: string[] = [];
      const noting = (name: string): Middleware =>
        goingStraightOn((_given, next) => {
          steps.push(name);
          return next();
        });
      await compose([noting('a'), careful, noting('b')], async () => void steps.push('handler'))(context);
      expect(steps).toEqual(['a', 'b', 'handler']);
    });

    it.each([
      ['throws at once', () => { throw new Error('now'); }], // prettier-ignore
      ['rejects', async () => { throw new Error('now'); }], // prettier-ignore
    ])('passes on what it throws when it %s', async (_how, step) => {
      for (const chain of [
        [goingStraightOn(step)],
        [plain, goingStraightOn(step)],
        [careful, goingStraightOn(step)],
      ])
        await expect(compose(chain, nothing)(context)).rejects.toThrow('now');
    });

    it.each([[[plain]], [[plain, careful]], [[careful, plain]]])(
      'passes on what its end throws',
      async (chain) => {
        const rude: Last = () => {
          throw new Error('rude');
        };
        await expect(compose(chain, rude)(context)).rejects.toThrow('rude');
        await expect(compose(chain, failing(new Error('late')))(context)).rejects.toThrow('late');
      },
    );
  });

  describe('next', () => {
    const twice: [string, Middleware][] = [
      ['awaited', async (_given, next) => { await next(); await next(); }], // prettier-ignore
      ['not awaited', (_given, next) => { void next(); void next(); }], // prettier-ignore
      ['swallowed', async (_given, next) => { await next(); await next().catch(() => undefined); }], // prettier-ignore
      ['at once', async (_given, next) => { await Promise.all([next(), next()]); }], // prettier-ignore
    ];
    it.each(twice)('called twice (%s) throws, and the handler ran once', async (_how, middleware) => {
      let runs = 0;
      const chain = compose([middleware], async () => void (runs += 1));
      await expect(chain(context)).rejects.toThrow(/called next\(\) twice/);
      expect(runs).toBe(1);
    });

    it('not awaited is waited for', async () => {
      let finished = false;
      await compose([(_given, next) => void next()], async () => {
        await sleep(20);
        finished = true;
      })(context);
      expect(finished).toBe(true);
    });

    it('not awaited still brings its error', async () => {
      const late: Last = async () => {
        await sleep(10);
        throw new Error('late');
      };
      await expect(compose([(_given, next) => void next()], late)(context)).rejects.toThrow('late');
    });

    it('failing while the middleware waits for something else is not unhandled', async () => {
      const slow: Middleware = async (_given, next) => {
        const running = next();
        await sleep(20);
        await running;
      };
      await expect(compose([slow], failing(new Error('early')))(context)).rejects.toThrow('early');
    });

    it('is over before an error of its middleware is', async () => {
      let finished = false;
      const chain = compose(
        [
          (_given, next) => {
            void next();
            throw new Error('impatient');
          },
        ],
        async () => {
          await sleep(20);
          finished = true;
        },
      );
      await expect(chain(context)).rejects.toThrow('impatient');
      expect(finished).toBe(true);
    });

    it('cannot have its failure swallowed', async () => {
      const swallow: Middleware = async (_given, next) => {
        await next().catch(() => undefined);
      };
      await expect(compose([swallow], failing(new Error('stands')))(context)).rejects.toThrow('stands');
    });

    it('can have its failure swapped for another', async () => {
      const translate: Middleware = async (_given, next) => {
        await next().catch(() => {
          throw new Discard('known and harmless');
        });
      };
      await expect(compose([translate], failing(new Error('raw')))(context)).rejects.toThrow(Discard);
    });

    it('called after the end runs nothing and breaks nothing', async () => {
      let kept: Next | undefined;
      let runs = 0;
      const chain = compose([(_given, next) => void (kept = next)], async () => void (runs += 1));
      await expect(chain(context)).rejects.toThrow(Rejected);
      void kept!();
      await expect(kept!()).rejects.toThrow(/after it had ended/);
      expect(runs).toBe(0);
    });
  });
});

describe('arrange', () => {
  it('sorts by order, then name, and parts at the idempotency stage', () => {
    const named = (name: string): Middleware =>
      Object.defineProperty((): void => {}, 'name', { value: name });
    const steps = [
      [500, 'b'],
      [200, 'decode'],
      [500, 'a'],
      [399, 'late'],
      [-1, 'first'],
      [400.5, 'soon'],
    ].map(([order, name]) => ({ order: order as number, middleware: named(name as string) }));
    const { outside, inside } = arrange(steps);
    expect(outside.map((step) => step.name)).toEqual(['first', 'decode', 'late']);
    expect(inside.map((step) => step.name)).toEqual(['soon', 'a', 'b']);
  });
});
