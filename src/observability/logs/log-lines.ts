import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectConfig, type ServiceConfig } from '../../config/config.module';
import { EventBus, type HoldfastEvents } from '../../message/message.module';
import { CHANGE_LINES, type ChangeEvent } from './change-lines';
import { findingLines } from './finding-lines';
import { settledLine, type LogLine } from './settled-line';

const FAILURES_MS = 10_000;
const MOST_EXCHANGES = 1_000;

/**
 * Writes the log of the house: a line for each settled message, a line for each change of what it depends on. It goes
 * through Nest's logger, so that in an adopter's app it lands where the adopter's own lines do.
 */
@Injectable()
export class LogLines implements OnModuleInit, OnApplicationShutdown {
  private readonly messages = new Logger('Messages');
  private readonly changes = new Logger('Holdfast');
  /** How each thing that changes was last said to be: what is said twice is no change. */
  private readonly last = new Map<string, string>();
  private readonly failures = new Map<string, { readonly since: number; unlogged: number }>();
  private listeners: (() => void)[] = [];

  constructor(
    private readonly events: EventBus,
    @InjectConfig('service') private readonly config: ServiceConfig,
  ) {}

  onModuleInit(): void {
    this.listeners = [
      this.events.on('message.settled', (event) => {
        const line = settledLine(event, this.config.logMessages);
        if (line) write(this.messages, line);
      }),
      // Not by reason: a broker that is away fails each try in another way.
      this.writeChanges('connection.changed', ({ connection, state }) => [connection, state]),
      this.writeChanges('dependency.changed', ({ dependency, available }) => [dependency, String(available)]),
      this.writeChanges('consumer.changed', ({ queue, state, reason }) => [
        queue,
        `${state} ${reason ?? ''}`,
      ]),
      this.writeChanges('topology.drifted', ({ queue, drift }) => [queue, JSON.stringify(drift)]),
      this.writeChanges('policies.checked', ({ state }) => ['policies', state]),
      this.events.on('findings.changed', (event) => {
        for (const line of findingLines(event)) write(this.changes, line);
      }),
      this.events.on('publication.failed', (event) => {
        this.writePublicationFailure(event);
      }),
      this.events.on('retention.swept', (event) => {
        write(this.changes, CHANGE_LINES['retention.swept'](event));
      }),
    ];
  }

  onApplicationShutdown(): void {
    for (const off of this.listeners.splice(0)) off();
  }

  /** @param identify what changes, and how it is now. */
  private writeChanges<Name extends ChangeEvent>(
    name: Name,
    identify: (event: HoldfastEvents[Name]) => [subject: string, state: string],
  ): () => void {
    return this.events.on(name, (event) => {
      const [subject, state] = identify(event);
      const key = `${name} ${subject}`;
      if (this.last.get(key) === state) return;
      this.last.set(key, state);
      write(this.changes, CHANGE_LINES[name](event));
    });
  }

  /** A missing exchange fails every message to it: one line, and how many were like it since. */
  private writePublicationFailure(event: HoldfastEvents['publication.failed']): void {
    const known = this.failures.get(event.exchange);
    const now = Date.now();
    if (known && now - known.since < FAILURES_MS) {
      known.unlogged++;
      return;
    }
    if (this.failures.size >= MOST_EXCHANGES) this.failures.clear();
    this.failures.set(event.exchange, { since: now, unlogged: 0 });
    const line = CHANGE_LINES['publication.failed'](event);
    write(this.changes, { ...line, fields: { ...line.fields, unlogged: known?.unlogged ?? 0 } });
  }
}

function write(logger: Logger, { level, fields, text }: LogLine): void {
  logger[level](fields, text);
}
