import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { describeError, Rejected, type MiddlewareContext, type Next } from '../message/message.module';
import { compose, type Last, type Middleware } from './middleware-chain';

/** One thing that a middleware does, in the order in which it does them. */
type Act = 'wait' | 'next' | 'next, awaited' | 'next, swallowed' | 'throw';

const acts = fc.array(fc.constantFrom<Act>('wait', 'next', 'next, awaited', 'next, swallowed', 'throw'), {
  maxLength: 4,
});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function playing(script: readonly Act[], trace: string[], name: string): Middleware {
  return async (_context: unknown, next: Next) => {
    for (const act of script) {
      if (act === 'wait') await turn();
      if (act === 'next') void next();
      if (act === 'next, awaited') await next();
      if (act === 'next, swallowed') await next().catch(() => undefined);
      if (act === 'throw') throw new Error(`thrown by ${name}`);
    }
    trace.push(`${name} ended`);
  };
}

/** Whether a middleware that plays this lets anything run inside of it. */
function goesOn(script: readonly Act[]): boolean {
  const first = script.findIndex((act) => act.startsWith('next'));
  const thrown = script.indexOf('throw');
  return first !== -1 && (thrown === -1 || first < thrown);
}

describe('compose, of any middleware', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(() => process.on('unhandledRejection', note));
  afterAll(() => process.off('unhandledRejection', note));

  it('never makes a failure look like success, never runs the handler twice, and leaves nothing running or unhandled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { maxLength: 4 }), fc.boolean(), async (scripts, fails) => {
        let begun = 0;
        let over = 0;
        const last: Last = async () => {
          begun++;
          await turn();
          over++;
          if (fails) throw new Error('thrown by the handler');
        };
        const trace: string[] = [];
        const chain = compose(
          scripts.map((script, i) => playing(script, trace, `step ${i}`)),
          last,
        );
        const failure = await chain({} as MiddlewareContext).then(
          () => undefined,
          (error: unknown) => describeError(error),
        );
        const reached = scripts.every(goesOn);
        const clean = scripts.every(
          (script) => !script.includes('throw') && script.filter((act) => act !== 'wait').length === 1,
        );
        expect(begun).toBe(reached ? 1 : 0);
        expect(over).toBe(begun);
        expect(failure === undefined).toBe(clean && !fails);
        await turn();
        expect(unhandled.splice(0)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('ends a step that never goes on as a dead letter, unless it throws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Act[]>([], ['wait'], ['wait', 'wait']),
        fc.boolean(),
        async (script, throws) => {
          const step = playing([...script, ...(throws ? (['throw'] as const) : [])], [], 'step');
          const failure: unknown = await compose([step], () => Promise.resolve())(
            {} as MiddlewareContext,
          ).catch((error: unknown) => error);
          expect(failure instanceof Rejected).toBe(!throws);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('rejects with what can be described in the same words, whatever is thrown where', async () => {
    await fc.assert(
      fc.asyncProperty(anything(), fc.boolean(), async ({ make }, inside) => {
        const thrown = make();
        const fail = (): never => {
          throw thrown;
        };
        const chain = inside
          ? compose([(_context, next) => next()], fail)
          : compose([fail], () => Promise.resolve());
        const failure = await chain({} as MiddlewareContext).then(
          () => ({ error: 'nothing was thrown' }),
          (error: unknown) => ({ error }),
        );
        expect(describeError(failure.error).message).toBe(describeError(thrown).message);
        expect(() => String(failure.error instanceof Rejected)).not.toThrow();
      }),
    );
  });
});
