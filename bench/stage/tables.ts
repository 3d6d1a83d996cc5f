import { Client } from 'pg';

/** What handlers write, and the inbox and the outbox of those that have none of their own. No unique key on the effect: a second one must be seen, not refused. */
const CREATE = `
create table if not exists bench_order (
  id bigint generated always as identity primary key,
  message_id text not null,
  sequence integer not null,
  customer text not null,
  cents integer not null
);
create table if not exists bench_inbox (
  message_id text primary key,
  status text not null,
  received_at timestamptz not null default now(),
  processed_at timestamptz
);
create table if not exists bench_outbox_row (
  id bigint generated always as identity primary key,
  message_id text not null,
  body jsonb not null
);`;

const EMPTY = `
do $$ begin
  truncate bench_order, bench_inbox, bench_outbox_row;
  if to_regclass('holdfast.inbox_message') is not null then truncate holdfast.inbox_message; end if;
  if to_regclass('holdfast.outbox_message') is not null then truncate holdfast.outbox_message; end if;
end $$`;

export async function createTables(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, (client) => client.query(CREATE));
}

export async function emptyTables(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, (client) => client.query(EMPTY));
}

/** How many effects there are, and of how many messages. */
export async function countEffects(databaseUrl: string): Promise<{ effects: number; messages: number }> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ effects: number; messages: number }>(
      'select count(*)::int as effects, count(distinct sequence)::int as messages from bench_order',
    ),
  );
  return rows[0]!;
}

export async function serverVersion(databaseUrl: string): Promise<string> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ server_version: string }>('show server_version'),
  );
  return rows[0]!.server_version.split(' ')[0]!;
}

async function withClient<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
