import type { Ailing } from '../nemesis/director';
import { RECOVERY_MS } from '../nemesis/director';
import { FLAKY_DELAYS, kindsOf, type Kind } from '../load/kinds';
import { Ledger } from '../load/ledger';
import type { FaultRecord, KindAccount, Sample, Verdict } from '../report/journal';
import type { PostgresServer } from '../stage/postgres-server';
import type { QueueFigures } from '../stage/broker-server';
import { EFFECT_TABLE } from '../handlers/effects';
import { Account, type Discrepancy } from './account';
import { drainDeadLetters } from './dead-letter-queues';
import { History, type HistoryFindings } from './history';
import { Tallies } from './tally';

/** Messages whose whole history is printed. */
const MOST_HISTORIES = 10;

export interface Evidence {
  readonly seed: number;
  readonly ledger: string;
  readonly history: string;
  readonly brokerUrl: string;
  readonly database: PostgresServer;
  readonly queues: readonly QueueFigures[];
}

export interface Balance {
  readonly kinds: readonly KindAccount[];
  readonly verdicts: readonly Verdict[];
  readonly deliveries: number;
}

/** The account of a round: reads the ledger, the effects, the dead letters and the histories, and holds them against each other. */
export async function balance(evidence: Evidence): Promise<Balance> {
  const kinds = kindsOf(evidence.seed);
  const account = new Account(kinds);
  const copies = new Tallies();
  for await (const { event, kind, number } of Ledger.read(evidence.ledger)) {
    copies.of(kind).add(number);
    if (event === 'confirmed') account.addConfirmed(kind, number);
  }
  await addEffects(account, evidence);
  await addDiscards(account, evidence);
  await drainDeadLetters(evidence.brokerUrl, deadLettersOf(evidence.queues), (found) => {
    account.addDeadLetter(found);
  });
  const { kinds: sums, discrepancies } = account.close();
  const history = new History(evidence.history);
  const findings = await history.examine((kind, number) => copies.of(kind).of(number));
  const all = [...discrepancies, ...tooFewFailures(kinds, findings, account)];
  const histories = await history.of(
    new Set(
      [...all, ...findings.hot.map(asDiscrepancy)].slice(0, MOST_HISTORIES).map(({ message }) => message),
    ),
    evidence.ledger,
  );
  return {
    kinds: sums,
    deliveries: findings.deliveries,
    verdicts: [
      judgeAccount(sums, all, histories),
      judgeHotLoops(findings, histories),
      judgeUncaught(findings),
    ],
  };
}

async function addEffects(account: Account, { database }: Evidence): Promise<void> {
  const rows = database.portions<{ consumer: string; message: string; attempt: number }>(
    `select consumer, message, attempt from ${EFFECT_TABLE}`,
  );
  for await (const portion of rows)
    for (const { consumer, message, attempt } of portion) account.addEffect(consumer, message, attempt);
}

async function addDiscards(account: Account, { database, ledger }: Evidence): Promise<void> {
  // Rows of earlier rounds are still there; only what this round has published counts.
  const published = new Tallies();
  for await (const { event, kind, number } of Ledger.read(ledger))
    if (event === 'confirmed') published.of(kind).add(number);
  const rows = database.portions<{ consumer: string; transaction_id: string }>(
    `select consumer, transaction_id from holdfast.inbox_message where state = 'discarded'`,
  );
  for await (const portion of rows)
    for (const { consumer, transaction_id } of portion) {
      const [kind = '', number] = transaction_id.split('-');
      if (published.of(kind).of(Number(number)) > 0) account.addDiscard(consumer, transaction_id);
    }
}

function deadLettersOf(queues: readonly QueueFigures[]): { name: string; messages: number }[] {
  return queues
    .filter(({ name }) => name.endsWith('.dlq'))
    .map(({ name, ready }) => ({ name, messages: ready }));
}

/** A message that has to fail so often must have failed so often: else a fault has spent one of its attempts. */
function tooFewFailures(
  kinds: readonly Kind[],
  { failures }: HistoryFindings,
  account: Account,
): Discrepancy[] {
  const flaky = kinds.find(({ name }) => name === 'flaky');
  const short: Discrepancy[] = [];
  if (!flaky) return short;
  for (let number = 0; number < account.numbersOf('flaky'); number++) {
    if (!account.isConfirmed('flaky', number)) continue;
    for (const { consumer, end, attempt } of flaky.expected(number)) {
      const needed = end === 'dead-letter' ? FLAKY_DELAYS.length + 1 : (attempt ?? 1) - 1;
      const found = failures.of(consumer).of(number);
      if (found < needed)
        short.push({
          message: `flaky-${number}`,
          consumer,
          what: `its handler failed ${found} times and should have failed ${needed} times: a fault of the infrastructure has spent an attempt`,
        });
    }
  }
  return short;
}

function judgeAccount(
  kinds: readonly KindAccount[],
  discrepancies: readonly Discrepancy[],
  histories: ReadonlyMap<string, string[]>,
): Verdict {
  const sum = (of: (kind: KindAccount) => number): number =>
    kinds.reduce((total, kind) => total + of(kind), 0);
  return {
    rule: 'every confirmed message took effect exactly once, became one dead letter or was discarded, and no fault spent an attempt',
    passed: discrepancies.length === 0,
    detail: `lost ${sum(({ lost }) => lost)}, doubled ${sum(({ doubled }) => doubled)}, discrepancies ${discrepancies.length}`,
    violations: discrepancies.slice(0, 50).map((one) => withHistory(one, histories)),
  };
}

function judgeHotLoops(
  { hot }: Pick<HistoryFindings, 'hot'>,
  histories: ReadonlyMap<string, string[]>,
): Verdict {
  return {
    rule: 'after its third delivery no message came more than about once a second',
    passed: hot.length === 0,
    detail: `${hot.length} messages in a hot loop`,
    violations: hot.slice(0, 20).map((one) => withHistory(asDiscrepancy(one), histories)),
  };
}

function judgeUncaught({ uncaught }: Pick<HistoryFindings, 'uncaught'>): Verdict {
  return {
    rule: 'no uncaught exception and no unhandled rejection',
    passed: uncaught.length === 0,
    detail: `${uncaught.length} seen`,
    violations: uncaught.slice(0, 20),
  };
}

function asDiscrepancy({ message, queue, what }: HistoryFindings['hot'][number]): Discrepancy {
  return { message, consumer: queue, what };
}

function withHistory(
  { message, consumer, what }: Discrepancy,
  histories: ReadonlyMap<string, string[]>,
): string {
  const lines = histories.get(message) ?? [];
  return [`${message} at ${consumer}: ${what}`, ...lines.map((line) => `    ${line}`)].join('\n');
}

export function judgeProcesses(unwanted: readonly string[], ended: number): Verdict {
  return {
    rule: 'no process ended by itself',
    passed: unwanted.length === 0,
    detail: `${ended} processes ended, ${unwanted.length} by themselves`,
    violations: unwanted.slice(0, 20),
  };
}

export function judgeRecovery(faults: readonly FaultRecord[], ailing: readonly Ailing[]): Verdict {
  const times = faults.flatMap(({ recoveredMs }) => recoveredMs ?? []).sort((one, other) => one - other);
  const worst = times.at(-1) ?? 0;
  const median = times[Math.floor(times.length / 2)] ?? 0;
  return {
    rule: `within ${RECOVERY_MS / 1_000} s after a fault every replica is ready with all consumers attached`,
    passed: ailing.length === 0,
    detail: `${faults.length} faults; recovered after ${(median / 1_000).toFixed(1)} s (median), ${(worst / 1_000).toFixed(1)} s (worst)`,
    violations: ailing.map(({ after, what }) => `after ${after}: ${what}`),
  };
}

/** @param from when the last fault was mended; `samples` and it in milliseconds since the run began. */
export function judgeBacklog(samples: readonly Sample[], from: number): Verdict {
  const known = samples.filter(({ backlog }) => backlog !== undefined);
  const before = known.find(({ at }) => at >= from) ?? known.at(-1);
  const after = known.find(({ at }) => at >= from + RECOVERY_MS) ?? known.at(-1);
  const [was, is] = [before?.backlog ?? 0, after?.backlog ?? 0];
  const passed = is < was || is === 0;
  const within = Math.round(((after?.at ?? 0) - (before?.at ?? 0)) / 1_000);
  return {
    rule: `within ${RECOVERY_MS / 1_000} s after the last fault the backlog shrinks`,
    passed,
    detail: `from ${was} to ${is} messages within ${within} s`,
    violations: passed
      ? []
      : [`${was} messages waited when the last fault was mended, and ${is} ${within} s later`],
  };
}

export function judgeQuiet(left: readonly string[], tookMs: number): Verdict {
  return {
    rule: 'in quiet nothing is left under way: queues, delays, outbox and inbox are empty of work',
    passed: left.length === 0,
    detail:
      left.length === 0 ? `quiet after ${(tookMs / 1_000).toFixed(1)} s` : `${left.length} things are left`,
    violations: left,
  };
}
