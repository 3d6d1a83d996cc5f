import type { Writable } from 'node:stream';

/** What pg's queries write to. Not in its types; `test/assumptions` watches over it. */
export interface Wire {
  readonly stream: Pick<Writable, 'write' | 'cork' | 'uncork'>;
  /** The text behind each name that this connection has prepared. */
  readonly parsedStatements: Record<string, string>;
  /** The same of those that are on their way. */
  readonly submittedNamedStatements: Record<string, string>;
  parse(statement: { name?: string; text?: string }): void;
  bind(values: unknown): void;
  describe(portal: unknown): void;
  execute(portal: unknown): void;
  sync(): void;
  close(what: { type: 'S'; name?: string }): void;
}

const BIND = message('B', '\0\0', [0, 0, 0, 0, 0, 0]);
const DESCRIBE = message('D', 'P\0');
const EXECUTE = message('E', '\0', [0, 0, 0, 0]);
const SYNC = message('S');
const DESCRIBE_AND_EXECUTE = Buffer.concat([DESCRIBE, EXECUTE]);
const TO_THE_END = Buffer.concat([DESCRIBE_AND_EXECUTE, SYNC]);

/** Statements without values and rows, and without the Sync that makes the server answer. */
export function unanswered(...texts: string[]): Buffer {
  return Buffer.concat(texts.flatMap((text) => [message('P', `\0${text}\0`, [0, 0]), BIND, EXECUTE]));
}

/** What follows a Bind is written as one piece: each piece costs as much as many bytes. */
export class InOnePiece implements Wire {
  constructor(
    protected readonly wire: Wire,
    private readonly afterBind = TO_THE_END,
  ) {}

  get stream(): Wire['stream'] {
    return this.wire.stream;
  }

  get parsedStatements(): Record<string, string> {
    return this.wire.parsedStatements;
  }

  get submittedNamedStatements(): Record<string, string> {
    return this.wire.submittedNamedStatements;
  }

  parse(statement: { name?: string; text?: string }): void {
    // It may be prepared already, from an opening in which something failed after it; to close what is not there is no error.
    if (statement.name) this.wire.close({ type: 'S', name: statement.name });
    this.wire.parse(statement);
  }

  bind(values: unknown): void {
    this.wire.bind(values);
    this.wire.stream.write(this.afterBind);
  }

  describe(): void {
    // Written after the Bind, as the next two.
  }

  execute(): void {
    // See `describe`.
  }

  sync(): void {
    // See `describe`.
  }

  /** A value could not be sent, and there was no Bind. What was prepared stays, as pg goes on to believe. */
  close(): void {
    this.wire.sync();
  }
}

/** For a statement that is answered together with others: no Sync. */
export class AmongOthers extends InOnePiece {
  /** Whether a name is prepared is known only when all have succeeded. */
  override get submittedNamedStatements(): Record<string, string> {
    return {};
  }

  constructor(wire: Wire) {
    super(wire, DESCRIBE_AND_EXECUTE);
  }

  override close(): void {
    // Answered with the others.
  }
}

function message(code: string, ...parts: (string | number[])[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  );
  const head = Buffer.from(`${code}\0\0\0\0`);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}
