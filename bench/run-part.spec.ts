import type { Figures, Part, Variant } from './part';
import { MADE_UP } from './report/made-up';
import { runPart } from './run-part';
import type { Stage } from './stage/stage';

const STAGE = {} as Stage;

async function run(
  measure: (name: string, turn: number) => Figures,
  rounds = 2,
): Promise<{ turns: string[]; failures: string[]; runs: Awaited<ReturnType<typeof runPart>> }> {
  const turns: string[] = [];
  const failures: string[] = [];
  const part: Part = {
    ...MADE_UP,
    measure: async ({ name }: Variant) => {
      turns.push(name);
      return measure(name, turns.length);
    },
  };
  const listener = {
    measured: () => undefined,
    failed: ({ failure }: { failure: string }) => failures.push(failure),
  };
  return { turns, failures, runs: await runPart(part, part.variants, { rounds, stage: STAGE, listener }) };
}

describe('the rounds of a part', () => {
  it('let the variants take turns', async () => {
    const { turns, runs } = await run((_, turn) => ({ perSecond: turn }));
    expect(turns).toEqual(['peer', 'ours', 'peer', 'ours']);
    expect(runs.get('ours')).toEqual({ figures: [{ perSecond: 2 }, { perSecond: 4 }] });
  });

  it('go on without a variant that failed, and say why it did', async () => {
    const { turns, failures, runs } = await run((name, turn) => {
      if (name === 'peer') throw new Error('2 messages are still in the queue');
      return { perSecond: turn };
    });
    expect(turns).toEqual(['peer', 'ours', 'ours']);
    expect(failures).toEqual(['2 messages are still in the queue']);
    expect(runs.get('peer')).toEqual({
      figures: [undefined],
      failure: 'round 1: 2 messages are still in the queue',
    });
    expect(runs.get('ours')?.figures).toHaveLength(2);
  });

  it('keep what there is of a variant that failed later, in the place of its round', async () => {
    const { runs } = await run((name, turn) => {
      if (name === 'ours' && turn === 4) throw new Error('doubled');
      return { perSecond: turn };
    }, 3);
    expect(runs.get('ours')).toEqual({
      figures: [{ perSecond: 2 }, undefined],
      failure: 'round 2: doubled',
    });
    expect(runs.get('peer')?.figures).toHaveLength(3);
  });
});
