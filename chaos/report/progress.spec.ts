import type { Journal } from './journal';
import { faultOf, journalOf, steadySamples } from './made-up';
import { createProgress, type Progress } from './progress';

const MINUTE = 60_000;

/** What a terminal shows after all that was written to it: enough of one for cursor movements, and strict about wrapping. */
class Terminal {
  private lines: string[] = [''];
  private row = 0;
  raw = '';

  constructor(
    readonly columns: number,
    readonly rows = 24,
  ) {}

  write(written: string): void {
    this.raw += written;
    for (const [piece, up] of written.matchAll(/\p{Cc}\[(\d+)A|\p{Cc}\[[\d;]*[A-Za-z]|./gsu)) {
      if (up !== undefined) this.up(Number(up));
      else if (piece === '\x1b[J') this.lines.length = this.row + 1;
      else if (piece === '\n') this.lines[++this.row] ??= '';
      else if (piece === '\r') this.lines[this.row] = '';
      else if (!piece.startsWith('\x1b')) this.put(piece);
    }
  }

  get shown(): string[] {
    return this.lines.slice(0, -1).map((line) => line.trimEnd());
  }

  private up(rows: number): void {
    if (rows > this.rows - 1) throw new Error(`the cursor cannot go ${rows} up, ${this.rows} rows are shown`);
    this.row -= rows;
    if (this.row < 0) throw new Error('above what was written');
  }

  private put(character: string): void {
    const line = `${this.lines[this.row] ?? ''}${character}`;
    if (line.length >= this.columns) throw new Error(`wraps: ${line}`);
    this.lines[this.row] = line;
  }
}

class Log {
  readonly lines: string[] = [];

  write(written: string): void {
    this.lines.push(...written.split('\n').slice(0, -1));
  }
}

interface Stage {
  readonly journal: Journal;
  readonly progress: Progress;
  /** Lets time pass without a sample. */
  readonly wait: (ms: number) => void;
}

function stageOn(
  stream: Terminal | Log,
  { isTerminal = stream instanceof Terminal, environment = {} } = {},
): Stage {
  let time = 5_000_000;
  const journal = journalOf();
  const options = { totalMs: 20 * MINUTE, replicas: 3, stream, isTerminal, environment };
  const progress = createProgress(journal, { ...options, now: () => time });
  return { journal, progress, wait: (ms) => (time += ms) };
}

function record(journal: Journal, seconds: number, perSecond: number): void {
  journal.samples.splice(0, Infinity, ...steadySamples(seconds, perSecond));
}

describe('the progress on a terminal', () => {
  it('draws one block, again and again in its place', () => {
    const terminal = new Terminal(80);
    const { journal, progress } = stageOn(terminal);
    record(journal, 60, 312);
    progress.tick();
    record(journal, 192, 312);
    journal.faults.push(
      faultOf({ to: 12_000, detail: 'the broker', recoveredMs: 2_100 }),
      faultOf({ name: 'replica: SIGSTOP', from: 190_500 }),
    );
    progress.tick();
    expect(terminal.shown).toEqual([
      'chaos      03:12 of 20:00   seed 41',
      'confirmed  59 904 (312/s)',
      'settled    59 904 (312/s)   backlog 0',
      `settled/s  ${'█'.repeat(60)} to 312`,
      'replicas   3/3 ready',
      'faults     2 so far',
      'now        replica: SIGSTOP (1.5 s)',
      'last       00:10 begins: broker: kill -9',
      '           00:12 ends after 2.0 s: broker: kill -9 (the broker)',
      '           00:14 well again 2.1 s after: broker: kill -9',
      '           03:10 begins: replica: SIGSTOP',
    ]);
  });

  it('tells lines above the block, and leaves the last picture standing', () => {
    const terminal = new Terminal(80);
    const { journal, progress } = stageOn(terminal);
    progress.tell('before everything');
    record(journal, 1, 10);
    progress.tick();
    progress.tell('one\ntwo');
    record(journal, 2, 10);
    progress.end();
    progress.tell('after everything');
    const { shown } = terminal;
    expect(shown.slice(0, 4)).toEqual([
      'before everything',
      'one',
      'two',
      'chaos      00:02 of 20:00   seed 41',
    ]);
    expect(shown.filter((line) => line.startsWith('chaos'))).toHaveLength(1);
    expect(shown.at(-1)).toBe('after everything');
  });

  it.each([1, 5, 12, 20, 40])('wraps nothing where there are %d columns', (columns) => {
    const terminal = new Terminal(columns);
    const { journal, progress } = stageOn(terminal);
    record(journal, 90, 1_000_000);
    journal.faults.push(faultOf({ name: 'replica: '.repeat(20), detail: 'lost '.repeat(40), to: 11_000 }));
    progress.tick();
    progress.tick();
    expect(terminal.shown.length).toBeGreaterThan(0);
  });

  it('keeps the latest of the throughput where there is no room for all of it', () => {
    const terminal = new Terminal(30);
    const { journal, progress } = stageOn(terminal);
    record(journal, 60, 100);
    const settled = journal.samples.at(-2)!.settled;
    journal.samples[journal.samples.length - 1] = { ...journal.samples.at(-1)!, settled };
    progress.tick();
    expect(terminal.shown.find((line) => line.startsWith('settled/s'))).toBe(
      `settled/s  ${'█'.repeat(10)}▁ to 100`,
    );
  });

  it('is no higher than the screen', () => {
    const terminal = new Terminal(80, 6);
    const { journal, progress } = stageOn(terminal);
    record(journal, 1, 10);
    progress.tick();
    progress.tick();
    expect(terminal.shown).toHaveLength(5);
  });

  it('finds its beginning again on a terminal that has become narrower', () => {
    const widths: number[] = [80, 50];
    let written = '';
    const stream = {
      get columns() {
        return widths[0]!;
      },
      write: (text: string) => (written = text),
    };
    const journal = journalOf();
    const progress = createProgress(journal, {
      totalMs: 1,
      replicas: 3,
      stream,
      isTerminal: true,
      environment: {},
    });
    record(journal, 90, 10);
    progress.tick();
    widths.shift();
    progress.tick();
    // Seven lines, of which the sparkline has been broken into two.
    expect(written.startsWith('\x1b[8A\r\x1b[J')).toBe(true);
  });

  it('lets no control character of a fault reach the screen', () => {
    const terminal = new Terminal(80);
    const { journal, progress } = stageOn(terminal, { environment: { NO_COLOR: '1' } });
    record(journal, 1, 10);
    journal.faults.push(faultOf({ detail: '\x1b[31mred\x1b[0m\n\r\x1b[2Jtwo\x07', to: 11_000 }));
    progress.tick();
    expect(terminal.shown.at(-1)).toBe('           00:11 ends after 1.0 s: broker: kill -9 (red two )');
    expect(terminal.raw).not.toContain('\x1b');
  });

  it('goes on counting when no samples come', () => {
    const terminal = new Terminal(80);
    const { journal, progress, wait } = stageOn(terminal);
    wait(9_000);
    progress.tick();
    expect(terminal.shown[0]).toBe('chaos      00:00 of 20:00   seed 41');
    record(journal, 60, 10);
    progress.tick();
    wait(5_000);
    progress.tick();
    expect(terminal.shown[0]).toBe('chaos      01:05 of 20:00   seed 41');
  });

  it('has colours, and has none where NO_COLOR is set', () => {
    const [plain, coloured] = [new Terminal(80), new Terminal(80)];
    stageOn(plain, { environment: { NO_COLOR: '1' } }).progress.tick();
    stageOn(coloured).progress.tick();
    expect(coloured.raw).toContain('\x1b[33m0/3 ready\x1b[0m');
    expect(plain.raw).not.toContain('\x1b');
    expect(plain.shown).toEqual(coloured.shown);
  });
});

describe('the progress elsewhere', () => {
  it('writes a line every ten seconds, and one for whatever happens to a fault', () => {
    const log = new Log();
    const { journal, progress } = stageOn(log);
    progress.tell('seed 41');
    for (let second = 0; second <= 21; second++) {
      record(journal, second, 100);
      if (second === 12) journal.faults.push(faultOf({ from: 11_500 }));
      if (second === 14) Object.assign(journal.faults[0]!, { to: 13_500, detail: 'killed' });
      if (second === 16) Object.assign(journal.faults[0]!, { recoveredMs: 2_000 });
      if (second === 18)
        journal.faults.push(faultOf({ name: 'disk', from: 17_000, to: 17_200, failure: 'not ours' }));
      if (second === 20) journal.faults.push(faultOf({ name: 'wire', from: 19_500 }));
      progress.tick();
    }
    progress.end();
    expect(log.lines).toEqual([
      'seed 41',
      '00:00 of 20:00: confirmed 0 (0/s), settled 0 (0/s), backlog 0, replicas 3/3 ready, faults 0',
      '00:10 of 20:00: confirmed 1 000 (100/s), settled 1 000 (100/s), backlog 0, replicas 3/3 ready, faults 0',
      '00:11 begins: broker: kill -9',
      '00:13 ends after 2.0 s: broker: kill -9 (killed)',
      '00:15 well again 2.0 s after: broker: kill -9',
      '00:17 begins: disk',
      '00:17 could not be done: disk: not ours',
      '00:19 begins: wire',
      '00:20 of 20:00: confirmed 2 000 (100/s), settled 2 000 (100/s), backlog 0, replicas 3/3 ready, faults 3, now wire (0.5 s)',
      '00:21 of 20:00: confirmed 2 100 (100/s), settled 2 100 (100/s), backlog 0, replicas 3/3 ready, faults 3, now wire (1.5 s)',
    ]);
  });

  it('tells what happened in the order in which it happened', () => {
    const log = new Log();
    const { journal, progress } = stageOn(log);
    journal.faults.push(
      faultOf({ name: 'a', from: 1_000, to: 9_000, recoveredMs: 0 }),
      faultOf({ name: 'b', from: 2_000, to: 3_000, recoveredMs: 1_000 }),
    );
    progress.tick();
    expect(log.lines.slice(0, 6).map((line) => line.slice(0, 11))).toEqual([
      '00:01 begin',
      '00:02 begin',
      '00:03 ends ',
      '00:04 well ',
      '00:09 ends ',
      '00:09 well ',
    ]);
  });

  it('says so when the backlog is unknown', () => {
    const log = new Log();
    const { journal, progress } = stageOn(log);
    journal.samples.push({ at: 0, confirmed: 0, settled: 0, backlog: undefined, ready: 1 });
    progress.tick();
    expect(log.lines[0]).toContain('backlog unknown, replicas 1/3 ready');
  });

  it.each([
    ['in CI', { CI: 'true' }, true],
    ['on a dumb terminal', { TERM: 'dumb' }, true],
    ['where CI is denied', { CI: 'false' }, false],
  ])('is chosen by the environment: %s', (_, environment, isPlain) => {
    const terminal = new Terminal(200);
    const { progress } = stageOn(terminal, { environment });
    progress.tick();
    expect(terminal.shown.length === 1).toBe(isPlain);
  });
});
