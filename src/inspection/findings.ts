import { Injectable } from '@nestjs/common';
import { EventBus, type Finding } from '../message/message.module';

/** What is found at present. Whoever shows it reads it here; whoever reports changes listens to `findings.changed`. */
@Injectable()
export class Findings {
  private current: ReadonlyMap<string, Finding> = new Map();

  constructor(private readonly events: EventBus) {}

  list(): readonly Finding[] {
    return [...this.current.values()];
  }

  /** Those of certain queues or exchanges. */
  of(...objects: readonly string[]): Finding[] {
    return this.list().filter(({ object }) => objects.includes(object));
  }

  /** These are all there are now. A finding whose policy, value or effect is another one is another finding. */
  replace(found: readonly Finding[]): void {
    const next = new Map(found.map((finding) => [JSON.stringify(finding), finding]));
    const opened = [...next].filter(([key]) => !this.current.has(key)).map(([, finding]) => finding);
    const closed = [...this.current].filter(([key]) => !next.has(key)).map(([, finding]) => finding);
    this.current = next;
    if (opened.length + closed.length > 0) this.events.emit('findings.changed', { opened, closed });
  }
}
