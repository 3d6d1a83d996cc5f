import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Gatherer } from './gatherer';

class RowError extends Error {}

/** A server that answers when it is told to. */
class Server {
  readonly statements: (readonly number[])[] = [];
  private readonly open: {
    rows: readonly number[];
    resolve: (answers: string[]) => void;
    reject: (e: Error) => void;
  }[] = [];

  readonly send = (rows: readonly number[]): Promise<string[]> => {
    this.statements.push(rows);
    return new Promise((resolve, reject) => this.open.push({ rows, resolve, reject }));
  };

  get underWay(): number {
    return this.open.length;
  }

  answer(bad: ReadonlySet<number> = new Set()): void {
    const one = this.open.shift();
    if (!one) return;
    if (one.rows.some((row) => bad.has(row))) one.reject(new RowError('a bad row'));
    else one.resolve(one.rows.map((row) => `answer ${row}`));
  }

  fail(): void {
    this.open.shift()?.reject(new Error('the server has gone'));
  }
}

const gathererOf = (server: Server, mostRows = 100): Gatherer<number, string> =>
  new Gatherer(server.send, mostRows, (error) => error instanceof RowError);

describe('Gatherer', () => {
  it('sends what is asked for in one turn together, and what arrives meanwhile in the next statement', async () => {
    const server = new Server();
    const gatherer = gathererOf(server);
    const first = [1, 2, 3].map((row) => gatherer.ask(row));
    expect(server.statements).toEqual([]);
    await turn();
    const later = [4, 5].map((row) => gatherer.ask(row));
    await turn();
    expect(server.statements).toEqual([[1, 2, 3]]);
    server.answer();
    expect(await Promise.all(first)).toEqual(['answer 1', 'answer 2', 'answer 3']);
    await turn();
    expect(server.statements).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    server.answer();
    expect(await Promise.all(later)).toEqual(['answer 4', 'answer 5']);
  });

  it('sends a lone question at the end of the turn', async () => {
    const server = new Server();
    const asked = gathererOf(server).ask(7);
    await turn();
    server.answer();
    expect(await asked).toBe('answer 7');
  });

  it('finds one bad row among a hundred without holding up who comes later', async () => {
    const server = new Server();
    const gatherer = gathererOf(server);
    const asked = Array.from({ length: 100 }, (_, row) => gatherer.ask(row));
    const ended = Promise.allSettled(asked);
    await turn();
    const bad = new Set([42]);
    server.answer(bad);
    const later = gatherer.ask(1_000);
    await turn();
    await turn();
    // Beside the first half of the hundred, which has not been answered.
    expect(server.statements.slice(1).map((rows) => rows.length)).toEqual([50, 1]);
    for (let i = 0; i < 20; i++) {
      server.answer(bad);
      await turn();
    }
    expect(await later).toBe('answer 1000');
    const results = await ended;
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(results[42]?.status).toBe('rejected');
    expect(server.statements.length).toBeLessThan(20);
  });

  it('tells everybody of a statement that the server has gone, and goes on', async () => {
    const server = new Server();
    const gatherer = gathererOf(server);
    const lost = Promise.allSettled([1, 2].map((row) => gatherer.ask(row)));
    await turn();
    server.fail();
    expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = gatherer.ask(3);
    await turn();
    server.answer();
    expect(await next).toBe('answer 3');
  });

  it('gives each its own answer once, whatever the order of questions, answers and failures', async () => {
    const move = fc.oneof(
      { weight: 5, arbitrary: fc.constant('ask' as const) },
      { weight: 2, arbitrary: fc.constant('turn' as const) },
      { weight: 3, arbitrary: fc.constant('answer' as const) },
      { weight: 1, arbitrary: fc.constant('fail' as const) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { maxLength: 80, size: 'max' }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 2, max: 30 }),
        async (moves, mostRows, badEvery) => {
          const server = new Server();
          const gatherer = gathererOf(server, mostRows);
          const bad = new Set(
            Array.from({ length: 80 }, (_, row) => row).filter((row) => row % badEvery === 1),
          );
          const asked: Promise<string>[] = [];
          const answers: (string | Error)[] = [];
          let failed = false;
          const ask = (): void => {
            const row = asked.length;
            const one = gatherer.ask(row);
            asked.push(one);
            one.then(
              (answer) => (answers[row] = answer),
              (error: unknown) => (answers[row] = error as Error),
            );
          };
          for (const kind of moves) {
            if (kind === 'ask') ask();
            else if (kind === 'turn') await turn();
            else if (kind === 'answer') server.answer(bad);
            else {
              failed ||= server.underWay > 0;
              server.fail();
            }
          }
          // Every question comes to its end once the server answers.
          for (let i = 0; i < 400 && Object.keys(answers).length < asked.length; i++) {
            server.answer(bad);
            await turn();
          }
          expect(Object.keys(answers)).toHaveLength(asked.length);
          for (const [row, answer] of answers.entries()) {
            if (typeof answer === 'string') expect(answer).toBe(`answer ${row}`);
            else if (answer instanceof RowError) expect(bad.has(row)).toBe(true);
            else expect(failed).toBe(true);
            if (bad.has(row)) expect(answer).toBeInstanceOf(Error);
          }
          for (const rows of server.statements) expect(rows.length).toBeLessThanOrEqual(mostRows);
        },
      ),
      { numRuns: 200 },
    );
  });
});
