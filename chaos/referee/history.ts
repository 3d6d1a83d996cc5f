import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readMessageId } from '../load/kinds';
import { Ledger } from '../load/ledger';
import { Tallies } from './tally';

/** One line that a replica wrote: `time TAB event TAB message TAB queue TAB …`. */
export interface HistoryLine {
  readonly process: string;
  readonly at: number;
  readonly event: string;
  readonly message: string;
  readonly queue: string;
  readonly rest: readonly string[];
}

/** Deliveries of one message after which it may come no more than once a second. */
const FREE_DELIVERIES = 3;
const WINDOW_MS = 10_000;
/** Once a second, and one for the edge of the window. */
const MOST_IN_WINDOW = 11;

export interface HistoryFindings {
  readonly deliveries: number;
  /** Deliveries whose outcome was a retry, of messages that never fail by themselves. */
  readonly uncaught: readonly string[];
  /** Messages that came back in a hot loop. */
  readonly hot: readonly { message: string; queue: string; what: string }[];
  /** How often a handler failed on purpose, by message of the kind `flaky`. */
  readonly failures: Tallies;
}

/** The histories of all processes of a round, on disk. */
export class History {
  constructor(private readonly folder: string) {}

  async *lines(): AsyncGenerator<HistoryLine> {
    const files = (await readdir(this.folder).catch(() => [])).sort();
    for (const file of files) {
      const process = file.replace(/\.tsv$/, '');
      const lines = createInterface({
        input: createReadStream(join(this.folder, file)),
        crlfDelay: Infinity,
      });
      for await (const line of lines) {
        const [at, event = '', message = '', queue = '', ...rest] = line.split('\t');
        yield { process, at: Number(at), event, message, queue, rest };
      }
    }
  }

  /** @param copies how many messages with this id were published: each has deliveries of its own. */
  async examine(copies: (kind: string, number: number) => number): Promise<HistoryFindings> {
    const received = new Tallies();
    const failures = new Tallies();
    const uncaught: string[] = [];
    const suspects = new Set<string>();
    let deliveries = 0;
    for await (const { event, message, queue, process, rest } of this.lines()) {
      if (event === 'uncaught') uncaught.push(`${process}: ${rest.join(' ')}`);
      const known = readMessageId(message);
      if (!known) continue;
      if (event === 'failing') failures.of(queue).add(known.number);
      if (event !== 'received') continue;
      deliveries++;
      const tally = received.of(`${queue}\t${known.kind}`);
      tally.add(known.number);
      if (tally.of(known.number) > FREE_DELIVERIES + MOST_IN_WINDOW) suspects.add(`${queue}\t${message}`);
    }
    return { deliveries, uncaught, failures, hot: await this.hotLoops(suspects, copies) };
  }

  /** Everything that happened to one message, in order, from the producers to its end; bounded. */
  async of(messages: ReadonlySet<string>, ledger: string): Promise<Map<string, string[]>> {
    const found = new Map([...messages].map((message) => [message, [] as [number, string][]]));
    for await (const { event, kind, number } of Ledger.read(ledger)) {
      found.get(`${kind}-${number}`)?.push([0, `producer: ${event}`]);
    }
    for await (const line of this.lines()) {
      const { at, process, event, queue, rest } = line;
      found
        .get(line.message)
        ?.push([at, `${new Date(at).toISOString()} ${process} ${queue} ${event} ${rest.join(' ')}`]);
    }
    return new Map(
      [...found].map(([message, lines]) => [
        message,
        lines
          .sort(([one], [other]) => one - other)
          .slice(0, 100)
          .map(([, text]) => text),
      ]),
    );
  }

  private async hotLoops(
    suspects: ReadonlySet<string>,
    copies: (kind: string, number: number) => number,
  ): Promise<HistoryFindings['hot']> {
    if (suspects.size === 0) return [];
    const times = new Map([...suspects].map((key) => [key, [] as number[]]));
    for await (const { event, message, queue, at } of this.lines()) {
      if (event === 'received') times.get(`${queue}\t${message}`)?.push(at);
    }
    const hot: { message: string; queue: string; what: string }[] = [];
    for (const [key, all] of times) {
      const [queue = '', message = ''] = key.split('\t');
      const known = readMessageId(message);
      const allowed = known ? Math.max(1, copies(known.kind, known.number)) : 1;
      const most = busiestWindow(all.sort((one, other) => one - other).slice(FREE_DELIVERIES * allowed));
      if (most > MOST_IN_WINDOW * allowed)
        hot.push({ message, queue, what: `${most} deliveries within ${WINDOW_MS / 1_000} s` });
    }
    return hot;
  }
}

/** The most of these times (in order, milliseconds) that lie within one window. */
export function busiestWindow(times: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [last, time] of times.entries()) {
    while (time - (times[first] ?? time) > WINDOW_MS) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
