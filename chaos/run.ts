import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repeatCommand, STANDARD_MS, type ChaosArguments } from './arguments';
import { Draw } from './draw';
import { EFFECT_TABLE } from './handlers/effects';
import type { ReplicaReport } from './handlers/control';
import { kindsOf, WORK_QUEUES } from './load/kinds';
import { Ledger } from './load/ledger';
import { Producer } from './load/producer';
import { Director } from './nemesis/director';
import type { Fault } from './nemesis/fault';
import { clusterFaults } from './nemesis/cluster-faults';
import { commonFaults, surroundingsFaults } from './nemesis/faults/surroundings';
import { replicaFaults } from './nemesis/replica-faults';
import { shuffledForever } from './nemesis/schedule';
import { judgeDatabaseRest, untilQuiet } from './referee/quiet';
import { judgeFlatness, judgeLeaks, type Holdings } from './referee/leaks';
import { balance, judgeBacklog, judgeProcesses, judgeQuiet, judgeRecovery } from './referee/referee';
import type { Journal, KindAccount, Report, Verdict } from './report/journal';
import { createProgress } from './report/progress';
import type { Stage } from './stage/stage';
import { Depths } from './stage/depths';
import { RabbitmqCluster } from './stage/rabbitmq-cluster';
import { Theatre } from './stage/theatre';

/** How a run of this length is played. */
interface Score {
  /** Publications a second at most. */
  readonly rate: number;
  /** Messages in the work queues above which the producers wait. */
  readonly backlogLimit: number;
  /** Length of faults, as a factor. */
  readonly pace: number;
  /** The books are closed after so long; a long run has several rounds. */
  readonly roundMs: number;
  /** How long the rest may take to be worked off. */
  readonly quietMs: number;
  /** A run of the usual length goes on until the broker has confirmed so many messages, */
  readonly leastMessages?: number;
  /** but not longer than this. */
  readonly mostMs?: number;
}

const SCORES: Readonly<Record<ChaosArguments['mode'], Score>> = {
  quick: { rate: 500, backlogLimit: 1_500, pace: 0.3, roundMs: Infinity, quietMs: 300_000 },
  standard: {
    rate: 2_000,
    backlogLimit: 10_000,
    pace: 1,
    roundMs: Infinity,
    quietMs: 600_000,
    leastMessages: 1_000_000,
    mostMs: 60 * 60_000,
  },
  soak: { rate: 1_200, backlogLimit: 6_000, pace: 1, roundMs: 20 * 60_000, quietMs: 600_000 },
};

const WARM_UP_MS = 4_000;
/** A slow machine needs longer for as many messages: by so much at a time. */
const MORE_MS = 30_000;

/** One run from an empty machine to its report. */
export async function run(args: ChaosArguments, folder: string, signal: AbortSignal): Promise<Report> {
  mkdirSync(folder, { recursive: true });
  return new Run(args, folder, signal).play();
}

class Run {
  private readonly score: Score;
  private readonly journal: Journal;
  private readonly draw: Draw;
  private readonly progress: ReturnType<typeof createProgress>;
  private readonly unwanted: string[] = [];
  private readonly verdicts: Verdict[] = [];
  private readonly kinds = new Map<string, KindAccount>();
  private readonly eldest: ReplicaReport[] = [];
  private startedAt = performance.now();
  private confirmedBefore = 0;
  private settledBefore = 0;

  constructor(
    private readonly args: ChaosArguments,
    private readonly folder: string,
    private readonly signal: AbortSignal,
  ) {
    this.score = SCORES[args.mode];
    this.draw = new Draw(args.seed);
    this.journal = {
      seed: args.seed,
      command: repeatCommand(args),
      startedAt: new Date(),
      samples: [],
      faults: [],
      left: [],
      deaths: new Map(),
    };
    this.progress = createProgress(this.journal, {
      totalMs: args.durationMs,
      replicas: args.replicas,
      stream: process.stderr,
      isTerminal: process.stderr.isTTY,
    });
  }

  async play(): Promise<Report> {
    const tell = (line: string): void => {
      this.progress.tell(line);
    };
    tell(`seed ${this.args.seed}; repeat with: ${this.journal.command}`);
    const theatre = await Theatre.open({
      folder: this.folder,
      replicas: this.args.replicas,
      cluster: this.args.cluster,
      tell,
      died: (name, why, wanted) => {
        this.journal.deaths.set(why, (this.journal.deaths.get(why) ?? 0) + 1);
        if (!wanted) this.unwanted.push(`${name} ended ${why}`);
      },
    });
    try {
      await this.playRounds(theatre);
    } finally {
      this.progress.end();
      if (!this.args.keep) await theatre.close();
    }
    return { journal: this.journal, verdicts: this.verdicts, kinds: [...this.kinds.values()] };
  }

  private async playRounds(theatre: Theatre): Promise<void> {
    this.startedAt = performance.now();
    const before = await this.holdingsBefore(theatre);
    const rounds = Math.max(1, Math.round(this.args.durationMs / this.score.roundMs));
    const director = await this.prepareDirector(theatre);
    const numbers = new Map<string, number>();
    for (let round = 1; round <= rounds && !this.signal.aborted; round++) {
      const passed = await this.playRound(theatre, director, numbers, {
        round,
        untilMs: (this.args.durationMs / rounds) * round,
        before,
        isLast: round === rounds,
      });
      if (!passed) break;
    }
    if (this.args.mode === 'soak') this.verdicts.push(judgeFlatness(this.eldest));
    this.verdicts.push(judgeRecovery(this.journal.faults, director.ailing));
    const ended = [...this.journal.deaths.values()].reduce((sum, count) => sum + count, 0);
    this.verdicts.push(judgeProcesses(this.unwanted, ended));
  }

  private async playRound(
    theatre: Theatre,
    director: Director,
    numbers: Map<string, number>,
    { round, untilMs, before, isLast }: { round: number; untilMs: number; before: Holdings; isLast: boolean },
  ): Promise<boolean> {
    const ledger = new Ledger(join(this.folder, `ledger-${round}.tsv`));
    const producer = new Producer({
      url: theatre.broker.url,
      kinds: kindsOf(this.args.seed),
      draw: this.draw.fork(`load ${round}`),
      ledger,
      rate: this.score.rate,
      backlogLimit: this.score.backlogLimit,
      numbers,
    });
    this.load = producer;
    const sampling = this.sample(theatre, producer, ledger);
    producer.start();
    await this.pause(WARM_UP_MS, this.signal);
    if (this.args.faults) {
      await director.play(untilMs, this.signal);
      while (this.isTooShort(ledger)) await director.play(this.now() + MORE_MS, this.signal);
    } else await this.pause(untilMs - this.now(), this.signal);

    this.progress.tell('no more faults: the rest is worked off, then the books are closed');
    const quietFrom = performance.now();
    await producer.finish();
    const left = await untilQuiet(
      { queues: () => theatre.broker.queues(), database: theatre.database },
      this.score.quietMs,
    );
    const mendedAt = this.journal.faults.at(-1)?.to ?? 0;
    const verdicts = [
      judgeBacklog(this.journal.samples, mendedAt),
      judgeQuiet(left, performance.now() - quietFrom),
    ];
    verdicts.push(await judgeDatabaseRest(theatre.database));
    await producer.close();
    await ledger.close();
    this.confirmedBefore += ledger.confirmed;
    sampling.abort();
    const after = await this.holdingsAtRest(theatre, before);
    this.eldest.push(...[...after.reports.values()].slice(0, 1));
    verdicts.push(judgeLeaks(before, after));
    const books = await balance({
      seed: this.args.seed,
      ledger: ledger.path,
      history: theatre.historyFolder,
      brokerUrl: theatre.broker.url,
      database: theatre.database,
      queues: await theatre.broker.queues(),
    });
    verdicts.unshift(...books.verdicts);
    this.settledBefore += books.deliveries;
    for (const kind of books.kinds) this.kinds.set(kind.kind, add(this.kinds.get(kind.kind), kind));
    this.take(verdicts, round);
    const passed = verdicts.every(({ passed: ok }) => ok);
    if (passed && !isLast) await this.clear(theatre, ledger);
    return passed;
  }

  private isTooShort({ confirmed }: Ledger): boolean {
    const { leastMessages = 0, mostMs = 0 } = this.args.durationMs === STANDARD_MS ? this.score : {};
    return !this.signal.aborted && confirmed < leastMessages && this.now() < mostMs;
  }

  /** One verdict for each rule over all rounds; a round that breaks a rule says so with its figures. */
  private take(verdicts: readonly Verdict[], round: number): void {
    for (const verdict of verdicts) {
      const at = this.verdicts.findIndex(({ rule }) => rule === verdict.rule);
      if (at === -1) this.verdicts.push(verdict);
      else this.verdicts[at] = { ...verdict, detail: `${verdict.detail} (round ${round})` };
    }
  }

  /** What a round that balanced leaves behind is not needed any more. */
  private async clear(theatre: Theatre, ledger: Ledger): Promise<void> {
    await theatre.database.query(`truncate ${EFFECT_TABLE}`);
    rmSync(ledger.path);
    theatre.forgetHistory();
  }

  private load: Producer | undefined;

  private async prepareDirector(theatre: Theatre): Promise<Director> {
    // Set anew in each round; faults only ever come while one is under way.
    const current = (): Producer => this.load as Producer;
    const isSoak = this.args.mode === 'soak';
    const stage: Stage = {
      // The first replica of a long run is left alone, so that its memory can be watched.
      replicas: isSoak ? theatre.replicas.slice(1) : theatre.replicas,
      broker: theatre.broker,
      database: theatre.database,
      get load() {
        return current();
      },
      pace: this.score.pace,
      pause: (ms, signal) => this.pause(ms, signal),
      tell: (line) => {
        this.progress.tell(line);
      },
    };
    const chosen = async (faults: readonly Fault[]): Promise<Fault[]> => {
      const kept: Fault[] = [];
      for (const fault of faults) {
        const why = this.whyNot(fault, isSoak) ?? (await fault.unavailable?.(stage));
        if (why === undefined) kept.push(fault);
        else if (why !== '') this.journal.left.push({ name: fault.name, why });
      }
      return kept;
    };
    const around =
      theatre.broker instanceof RabbitmqCluster
        ? [...clusterFaults(theatre.broker), ...commonFaults]
        : surroundingsFaults;
    return new Director({
      stage,
      journal: this.journal,
      draw: this.draw.fork('director'),
      replicaFaults: shuffledForever(await chosen(replicaFaults), this.draw.fork('replica faults')),
      surroundings: shuffledForever(await chosen(around), this.draw.fork('surroundings')),
      now: () => this.now(),
      allWell: (signal) => theatre.allWell(signal),
    });
  }

  /** @returns why this fault is left out; empty where nobody needs to be told. */
  private whyNot({ name }: Fault, isSoak: boolean): string | undefined {
    const { only, without } = this.args;
    if (only.length > 0 && !only.some((text) => name.includes(text))) return '';
    if (without.some((text) => name.includes(text))) return 'left out by --without';
    if (isSoak && name.includes('poison')) return 'it would end the replica whose memory is watched';
    return undefined;
  }

  private async holdings(theatre: Theatre): Promise<Holdings> {
    const reports = new Map<string, ReplicaReport>();
    for (const replica of theatre.replicas) {
      const report = await replica.report();
      if (report) reports.set(replica.name, report);
    }
    return { ...(await theatre.broker.clients()), reports };
  }

  /** Measured until three times in a row nothing has come any more: the broker lists a new channel only after seconds. */
  private async holdingsBefore(theatre: Theatre): Promise<Holdings> {
    let held = await this.holdings(theatre);
    for (let same = 0, looks = 0; same < 3 && looks < 30; looks++) {
      await sleep(1_500);
      const now = await this.holdings(theatre);
      same = now.connections === held.connections && now.channels === held.channels ? same + 1 : 0;
      held = now;
    }
    return held;
  }

  /** The broker's list of clients is up to a few seconds old, and it forgets the dead ones by and by. */
  private async holdingsAtRest(theatre: Theatre, before: Holdings): Promise<Holdings> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const held = await this.holdings(theatre);
      const isAsBefore = held.connections <= before.connections && held.channels <= before.channels;
      if (isAsBefore || Date.now() > deadline) return held;
      await sleep(1_000);
    }
  }

  private sample(theatre: Theatre, producer: Producer, ledger: Ledger): AbortController {
    const stop = new AbortController();
    const depths = new Depths(theatre.broker.url);
    const look = async (): Promise<void> => {
      const [backlog, ready] = await Promise.all([
        depths.ready(WORK_QUEUES),
        Promise.all(theatre.replicas.map((replica) => replica.isReady())),
      ]);
      if (backlog !== undefined) producer.noteBacklog(backlog);
      this.journal.samples.push({
        at: this.now(),
        confirmed: this.confirmedBefore + ledger.confirmed,
        settled: this.settledBefore + theatre.settled(),
        backlog,
        ready: ready.filter(Boolean).length,
      });
      this.progress.tick();
    };
    void (async () => {
      while (!stop.signal.aborted) {
        await look();
        await sleep(500, undefined, { signal: stop.signal }).catch(() => undefined);
      }
      await depths.close();
    })();
    return stop;
  }

  private now(): number {
    return performance.now() - this.startedAt;
  }

  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: AbortSignal.any([signal, this.signal]) }).catch(
      () => undefined,
    );
  }
}

function add(sum: KindAccount | undefined, one: KindAccount): KindAccount {
  if (!sum) return one;
  return {
    kind: one.kind,
    confirmed: sum.confirmed + one.confirmed,
    effects: sum.effects + one.effects,
    deadLetters: sum.deadLetters + one.deadLetters,
    discarded: sum.discarded + one.discarded,
    lost: sum.lost + one.lost,
    doubled: sum.doubled + one.doubled,
    repeated: sum.repeated + one.repeated,
  };
}

export function writeReport(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}
