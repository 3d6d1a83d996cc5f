/** A way to lay the inbox out: what is changed of the table that the migrations of the product make, while it is empty. */
export interface Layout {
  readonly name: string;
  /** In words, for the table. */
  readonly label: string;
  readonly alter: string;
}

const DROP_RETENTION_INDEX = 'drop index if exists holdfast.inbox_message_retention';

export const LAYOUTS: readonly Layout[] = [
  { name: 'product', label: 'as the migrations make it', alter: '' },
  { name: 'key-only', label: 'the key alone, no index on the time of receipt', alter: DROP_RETENTION_INDEX },
  {
    name: 'brin',
    label: 'the key, BRIN on the time of receipt',
    alter: `${DROP_RETENTION_INDEX};
      create index inbox_message_retention on holdfast.inbox_message using brin (received_at) with (pages_per_range = 32)`,
  },
  {
    name: 'btree',
    label: 'the key, b-tree on the time of receipt',
    alter: `${DROP_RETENTION_INDEX};
      create index inbox_message_retention on holdfast.inbox_message (received_at)`,
  },
  {
    name: 'hashed-key',
    label: 'a key of 16 bytes: the hash of consumer and id',
    alter: `${DROP_RETENTION_INDEX};
      alter table holdfast.inbox_message drop constraint inbox_message_key;
      alter table holdfast.inbox_message
        add column key uuid generated always as (md5(consumer || chr(1) || transaction_id)::uuid) stored;
      alter table holdfast.inbox_message add constraint inbox_message_key primary key (key)`,
  },
  {
    name: 'collation-c',
    label: 'the key compared byte by byte (collation "C")',
    alter: `${DROP_RETENTION_INDEX};
      alter table holdfast.inbox_message alter consumer type text collate "C", alter transaction_id type text collate "C"`,
  },
  {
    name: 'collation-icu',
    label: 'the key compared as a language does (ICU, en-US)',
    alter: `${DROP_RETENTION_INDEX};
      alter table holdfast.inbox_message
        alter consumer type text collate "en-US-x-icu", alter transaction_id type text collate "en-US-x-icu"`,
  },
];

export function layoutNamed(name: string): Layout {
  const found = LAYOUTS.find((layout) => layout.name === name);
  if (!found)
    throw new Error(`layout ${name}: the layouts are ${LAYOUTS.map((layout) => layout.name).join(', ')}`);
  return found;
}
