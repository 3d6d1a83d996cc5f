import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** `confirmed`: from then on the message may neither get lost nor take effect twice. `unknown`: no confirm came; it was sent again. */
export type LedgerEvent = 'confirmed' | 'unknown';

/** What the producers know, on disk, in the order of the broker's confirms: `event TAB kind TAB number`. */
export class Ledger {
  private readonly stream: WriteStream;
  confirmed = 0;

  constructor(readonly path: string) {
    this.stream = createWriteStream(path, { flags: 'a' });
  }

  write(event: LedgerEvent, kind: string, number: number): void {
    if (event === 'confirmed') this.confirmed++;
    this.stream.write(`${event}\t${kind}\t${number}\n`);
  }

  async close(): Promise<void> {
    this.stream.end();
    await once(this.stream, 'finish');
  }

  static async *read(path: string): AsyncGenerator<{ event: LedgerEvent; kind: string; number: number }> {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      const [event, kind = '', number] = line.split('\t');
      yield { event: event as LedgerEvent, kind, number: Number(number) };
    }
  }
}
