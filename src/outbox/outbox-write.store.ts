import { randomUUID } from 'node:crypto';
import type { QueryConfig } from 'pg';
import type { Publication } from '../broker/broker.module';
import { toStored, type StoredForm } from './stored-form';

/** A written publication; `sequence` tells the order in which they were written. */
export interface OutboxRow {
  readonly sequence: string;
  readonly publication: Publication;
}

/** One statement for the publications of any number of handled messages, and how to read its answer. */
export interface OutboxWrite {
  readonly statement: QueryConfig;
  /** When it was made, from `performance.now()`: the time in which its rows are its process's own begins not before. */
  readonly madeAt: number;
  /** The rows of each message, as it was given. */
  read(result: { readonly rows: readonly Record<string, unknown>[] } | undefined): OutboxRow[][];
}

/**
 * Ten seconds for the process that wrote it, counted from the statement: now() is when the transaction began, and a handler may take
 * longer than that. All bodies are one parameter, because an array of bytes would travel as text of twice the size.
 */
const WRITE = `insert into holdfast.outbox_message
  (message_id, exchange, routing_key, body, properties, headers, exact, bundle, next_try_at, created_at)
select message_id, exchange, routing_key, substring($1::bytea from first for size), properties::jsonb, headers::jsonb, exact, bundle,
       statement_timestamp() + interval '10 seconds', statement_timestamp()
  from unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[])
    as one (first, size, message_id, exchange, routing_key, properties, headers, exact, bundle)
returning sequence`;

/**
 * @param messages what each of several handled messages has published, in its order.
 * @returns undefined when none has published anything.
 */
export function outboxWrite(messages: readonly (readonly Publication[])[]): OutboxWrite | undefined {
  const all = messages.flat();
  if (all.length === 0) return undefined;
  return {
    madeAt: performance.now(),
    statement: { name: 'holdfast_outbox_write', text: WRITE, values: valuesOf(messages, all) },
    read: (result) => {
      // Rows are numbered, and come back, in the order in which they were given (see test/assumptions).
      let next = 0;
      return messages.map((publications) =>
        publications.map((publication) => ({
          sequence: String(result?.rows[next++]?.['sequence']),
          publication,
        })),
      );
    },
  };
}

function valuesOf(messages: readonly (readonly Publication[])[], all: readonly Publication[]): unknown[] {
  const stored = all.map(toStored);
  const column = (name: keyof StoredForm): unknown[] => stored.map((one) => one[name]);
  const sizes = all.map(({ body }) => body.length);
  let at = 1;
  const firsts = sizes.map((size) => (at += size) - size);
  return [
    all.length === 1 && all[0] ? all[0].body : Buffer.concat(all.map(({ body }) => body)),
    firsts,
    sizes,
    column('message_id'),
    column('exchange'),
    column('routing_key'),
    column('properties'),
    column('headers'),
    column('exact'),
    messages.flatMap(bundleOf),
  ];
}

/** A message alone has no order to keep. */
function bundleOf(publications: readonly Publication[]): (string | null)[] {
  const bundle = publications.length > 1 ? randomUUID() : null;
  return publications.map(() => bundle);
}
