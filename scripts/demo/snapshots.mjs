import { CounterOverRestarts, parseMetrics } from './metrics.mjs';
import { QUEUES } from './watch.mjs';

const NOTHING = { rows: 0, twice: 0 };

/** Puts together what the service, the broker, the database and the ledger say at one moment. */
export class Snapshots {
  #stage;
  #counters = new CounterOverRestarts();
  #startedAt = performance.now();
  #previous;

  constructor(stage) {
    this.#stage = stage;
  }

  get elapsedMs() {
    return performance.now() - this.#startedAt;
  }

  async take() {
    const { service, watch, ledger, faults } = this.#stage;
    const [statuses, effects, depths] = await Promise.all([
      this.#askService(),
      watch.countEffects().catch(() => ({})),
      watch.depths().catch(() => ({})),
    ]);
    const { elapsedMs } = this;
    const seconds = this.#previous ? (elapsedMs - this.#previous.elapsedMs) / 1000 : elapsedMs / 1000;
    const rate = (now, before = 0) => Math.max(0, Math.round((now - before) / seconds));
    const consumers = Object.fromEntries(
      QUEUES.map((queue) => {
        const status = statuses?.find((one) => one.queue === queue);
        const done = (effects[queue] ?? NOTHING).rows;
        return [
          queue,
          {
            state: status?.state ?? (service.pid ? 'starting' : 'DOWN'),
            done,
            rate: rate(done, this.#previous?.consumers[queue].done),
            retried: this.#counters.total(`${queue} retry`),
            duplicate: this.#counters.total(`${queue} duplicate`),
            dead: depths[`${queue}.dlq`] ?? 0,
            waiting: depths[queue] ?? 0,
            inFlight: status ? status.inFlight + status.waiting : 0,
          },
        ];
      }),
    );
    const snapshot = {
      elapsedMs,
      published: { ...ledger.counts },
      orders: ledger.size,
      rates: { published: rate(ledger.counts.total, this.#previous?.published.total) },
      consumers,
      delayed: sum(depths, (name) => name.includes('.delay.')),
      lost: sum(depths, (name) => name.endsWith('.unroutable')),
      twice: QUEUES.reduce((total, queue) => total + (effects[queue] ?? NOTHING).twice, 0),
      faults: { ...faults.state, isServiceUp: statuses !== undefined },
    };
    this.#previous = snapshot;
    return snapshot;
  }

  /** The states of the consumers; undefined when the service does not answer. */
  async #askService() {
    try {
      const [consumers, metrics] = await Promise.all([
        this.#stage.service.ask('/api/v1/consumers'),
        this.#stage.service.ask('/metrics'),
      ]);
      const { holdfast_messages_total: messages = [] } = parseMetrics(await metrics.text());
      for (const { labels, value } of messages)
        this.#counters.read(`${labels.queue} ${labels.outcome}`, value);
      return await consumers.json();
    } catch {
      return undefined;
    }
  }
}

const sum = (depths, fits) =>
  Object.entries(depths).reduce((total, [name, depth]) => total + (fits(name) ? depth : 0), 0);
