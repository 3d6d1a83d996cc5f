import { setTimeout as sleep } from 'node:timers/promises';
import { Column, Entity, PrimaryColumn, VersionColumn } from 'typeorm';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');

@Entity({ schema: 'public', name: 'account' })
class Account {
  @PrimaryColumn('text')
  id!: string;

  @Column('integer')
  balance!: number;

  @VersionColumn()
  version!: number;
}

type Work = (ctx: MessageContext) => unknown;

class Orders {
  /** What the handler does, by transaction id. */
  readonly work = new Map<string, Work>();

  @ReliableConsumer({ queue, retry: { delays: ['100ms'] } })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await this.work.get(ctx.id)?.(ctx);
  }
}

const effect = (ctx: MessageContext, handler: string): Promise<unknown> =>
  ctx.tx.query('insert into effect values ($1, $2)', [handler, ctx.id]);

describe('a handler writes in its own transaction', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const handle = async (id: string, work: Work): Promise<void> => {
    holdfast.app.get(Orders).work.set(id, work);
    await world.broker.send(queue, id, {});
  };
  const stateOf = async (id: string): Promise<string | undefined> =>
    (
      await world.database.query<{ state: string }>(
        'select state from holdfast.inbox_message where consumer = $1 and transaction_id = $2',
        [queue, id],
      )
    )[0]?.state;

  beforeAll(async () => {
    world = await World.create();
    await world.database.query(
      'create table account (id text primary key, balance integer not null, version integer not null)',
    );
    await world.database.query(
      `create table slot (name text primary key deferrable initially deferred);
       create function veto() returns trigger language plpgsql as
         $$ begin raise exception 'vetoed at commit' using errcode = 'HF001'; end $$;
       create table vetoed (id text);
       create constraint trigger veto after insert on vetoed deferrable initially deferred
         for each row execute function veto()`,
    );
    holdfast = await world.start({ handlers: [Orders], entities: [Account] });
  });
  afterAll(() => world.remove());

  it('repositories, raw queries and ctx.sql share it', async () => {
    await handle('mixed', async (ctx) => {
      const accounts = ctx.tx.getRepository(Account);
      await accounts.save({ id: 'a', balance: 1 });
      const account = await accounts.findOneByOrFail({ id: 'a' });
      account.balance = 2;
      await accounts.save(account);
      const { rows, rowCount } = await ctx.sql.query<{ balance: number }>(
        'select balance from account where id = $1',
        ['a'],
      );
      expect({ rows, rowCount }).toEqual({ rows: [{ balance: 2 }], rowCount: 1 });
      await ctx.tx.query("update account set balance = balance + 1 where id = 'a'");
    });
    await holdfast.outcome('mixed', 'completed');
    expect(await world.database.query("select balance, version from account where id = 'a'")).toEqual([
      { balance: 3, version: 2 },
    ]);
  });

  it('all of it, and the inbox row, is undone when the handler fails', async () => {
    await handle('undone', async (ctx) => {
      await ctx.tx.save(Account, { id: 'undone', balance: 1 });
      await ctx.sql.query('insert into effect values ($1, $2)', ['undone', ctx.id]);
      if (ctx.attempt === 1) throw new Error('once');
    });
    await holdfast.outcome('undone', 'retry');
    await holdfast.outcome('undone', 'completed');
    expect(await world.effects('undone')).toBe(1);
    expect(await stateOf('undone')).toBe('completed');
  });

  it('a nested transaction is a savepoint: it may fail alone', async () => {
    await handle('nested', async (ctx) => {
      await effect(ctx, 'outer');
      await ctx.tx
        .transaction(async (inner) => {
          await inner.query('insert into effect values ($1, $2)', ['inner', ctx.id]);
          await inner.query('select 1 / 0');
        })
        .catch(() => undefined);
      await ctx.tx.transaction((inner) =>
        inner.query('insert into effect values ($1, $2)', ['second inner', ctx.id]),
      );
    });
    await holdfast.outcome('nested', 'completed');
    expect(
      await world.database.query("select handler from effect where transaction_id = 'nested' order by 1"),
    ).toEqual([{ handler: 'outer' }, { handler: 'second inner' }]);
  });

  it('a handler that swallows an SQL error is not acknowledged as done', async () => {
    await handle('swallowed', async (ctx) => {
      await effect(ctx, 'swallowed');
      await ctx.tx.query('select 1 / 0').catch(() => undefined);
    });
    await holdfast.outcome('swallowed', 'dead-letter');
    const dead = await takeDeadLetter(world, queue);
    expect(dead.reason).toBe('attempts-exhausted');
    expect(dead.error).toMatch(
      /^SwallowedSqlError: Postgres rolled the transaction back at commit.*savepoint/,
    );
    expect(await world.effects('swallowed')).toBe(0);
    expect(await stateOf('swallowed')).toBe('dead');
  });

  it.each([
    ['a unique key that is checked at commit', "insert into slot values ('one'), ('one')", /duplicate key/],
    ['a constraint trigger with a code of its own', "insert into vetoed values ('x')", /vetoed at commit/],
  ])('%s is a failure of the message, and of nothing else', async (_, statement, error) => {
    const id = `deferred ${statement}`;
    let away = 0;
    const off = holdfast.events.on('dependency.changed', ({ available }) => {
      if (!available) away++;
    });
    await handle(id, (ctx) => ctx.tx.query(statement));
    await holdfast.outcome(id, 'dead-letter', 10_000);
    off();
    expect((await takeDeadLetter(world, queue)).error).toMatch(error);
    expect(away).toBe(0);
  });

  it.each<[string, Work]>([
    ['a number of parameters that does not fit', (ctx) => ctx.tx.query('select $1::int + $2::int', [1])],
    ['a syntax error', (ctx) => ctx.tx.query('selekt')],
    ['a table that does not exist', (ctx) => ctx.sql.query('select * from nowhere')],
    ['a value out of range', (ctx) => ctx.tx.query('select $1::int', ['9999999999'])],
    ['text that Postgres cannot keep', (ctx) => ctx.tx.query('insert into effect values ($1, $1)', ['a\0b'])],
    [
      'an internal error of a function',
      (ctx) => ctx.tx.query("do $$ begin raise exception 'odd' using errcode = 'XX000'; end $$"),
    ],
    [
      'a statement that Postgres cancels',
      (ctx) => ctx.tx.query("set local statement_timeout = '20ms'; select pg_sleep(5)"),
    ],
  ])('%s is a mistake of the handler: the database is not taken for away', async (name, work) => {
    let away = 0;
    const off = holdfast.events.on('dependency.changed', ({ available }) => {
      if (!available) away++;
    });
    await handle(name, work);
    await holdfast.outcome(name, 'dead-letter', 10_000);
    off();
    expect(away).toBe(0);
    expect(await takeDeadLetter(world, queue)).toMatchObject({
      reason: 'attempts-exhausted',
      headers: { 'x-retry-count': 2 },
    });
  });

  it('nothing kept from ctx can be used once the handler has returned', async () => {
    const late: Promise<unknown>[] = [];
    const after = (use: () => Promise<unknown>): void => {
      late.push(
        sleep(100)
          .then(use)
          .then(
            () => 'went through',
            (error: unknown) => String(error),
          ),
      );
    };
    await handle('late', (ctx) => {
      const { tx, sql } = ctx;
      const insert = 'insert into effect values ($1, $2)';
      after(() => tx.query(insert, ['late', 'tx']));
      after(() => tx.save(Account, { id: 'late', balance: 1 }));
      after(() => tx.transaction((inner) => inner.query(insert, ['late', 'inner'])));
      after(() => sql.query(insert, ['late', 'sql']));
      after(() => Promise.resolve(ctx.tx));
      after(() => Promise.resolve(ctx.sql).then((again) => again.query(insert, ['late', 'sql again'])));
      after(() => ctx.publish('', queue, {}));
    });
    await holdfast.outcome('late', 'completed');
    for (const result of await Promise.all(late)) expect(result).toMatch(/has ended|already released/);
    expect(await world.effects('late')).toBe(0);
  });

  it('a statement that was not awaited is in the transaction or refused, never beside it', async () => {
    const id = 'forgotten';
    let stopped: Promise<void> = Promise.resolve();
    await handle(id, async (ctx) => {
      const { tx, sql } = ctx;
      await sql.query('select 1');
      const insert = 'insert into effect values ($1, $2, txid_current()::text)';
      const goOn = async (run: () => Promise<unknown>): Promise<void> => {
        try {
          for (let i = 0; i < 200; i++) await run();
        } catch {
          // It ended with the transaction.
        }
      };
      stopped = Promise.all([
        goOn(() => tx.query(insert, ['forgotten', id])),
        goOn(() => sql.query(insert, ['forgotten', id])),
      ]).then(() => undefined);
      await sleep(5);
    });
    await holdfast.outcome(id, 'completed');
    await stopped;
    await eventually(async () => {
      const [row] = await world.database.query<{ transactions: number }>(
        "select count(distinct detail)::int as transactions from effect where handler = 'forgotten'",
      );
      expect(row?.transactions).toBe(1);
    });
  });
});
