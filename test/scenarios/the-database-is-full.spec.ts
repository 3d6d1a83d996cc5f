import { ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('work');
const MESSAGES = 5;

class Handlers {
  @ReliableConsumer({ queue, retry: { delays: ['100ms'] } })
  async onWork({ fails }: { fails?: boolean }, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['work', ctx.id, String(ctx.attempt)]);
    if (fails && ctx.attempt === 1) throw new Error('not the first time');
  }
}

/** The server is real and has room. While `disk` says otherwise, a trigger answers what Postgres answers then, and counts it. */
const FULL_DISK = `
  create table disk (is_full boolean not null);
  insert into disk values (false);
  create sequence refusals;
  create function no_space() returns trigger language plpgsql as $$
  begin
    if (select is_full from disk) then
      perform nextval('refusals');
      raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
    end if;
    return new;
  end $$`;

describe('a database whose disk is full', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let received = 0;
  const refusals = async (): Promise<number> => {
    const [row] = await world.database.query<{ n: number }>(
      'select case when is_called then last_value else 0 end::int as n from refusals',
    );
    return row!.n;
  };

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Handlers] });
    holdfast.events.on('message.received', () => received++);
    await world.database.query(FULL_DISK);
  });
  afterEach(() =>
    world.database.query(`
      update disk set is_full = false;
      drop trigger if exists no_room on effect;
      drop trigger if exists no_room on holdfast.inbox_message`),
  );
  afterAll(() => world.remove());

  it.each([
    ['the claim of a message', 'trigger no_room before insert on holdfast.inbox_message', '', false],
    ['a statement of the handler', 'trigger no_room before insert on effect', '', false],
    [
      'its commit',
      'constraint trigger no_room after insert on effect deferrable initially deferred',
      '',
      false,
    ],
    [
      'the record of a retry',
      'trigger no_room before insert on holdfast.inbox_message',
      "when (new.state = 'retrying')",
      true,
    ],
  ])(
    'and refuses %s costs no attempt: the messages are held, and done once there is room',
    async (what, trigger, when, fails) => {
      await world.database.query(`create ${trigger} for each row ${when} execute function no_space()`);
      await world.database.query('update disk set is_full = true');
      const [before, already] = [await refusals(), received];
      const away = holdfast.events.next('dependency.changed', ({ available }) => !available);
      const ids = Array.from({ length: MESSAGES }, (_, n) => `${what} ${n}`);
      for (const id of ids) await world.broker.send(queue, id, { fails });

      expect(await away).toMatchObject({
        dependency: 'database',
        reason: expect.stringContaining('No space left on device'),
      });
      // Asked again and again, although the probe finds a database that answers.
      await eventually(async () => {
        expect(await refusals()).toBeGreaterThan(before + 3 * MESSAGES);
      });
      expect(holdfast.settled.filter(({ transactionId }) => ids.includes(transactionId ?? ''))).toEqual([]);
      expect(received - already).toBe(MESSAGES);

      await world.database.query('update disk set is_full = false');
      for (const id of ids) {
        expect(await holdfast.outcome(id, 'completed')).toMatchObject({ acknowledged: true });
      }
      const kinds = holdfast.settled
        .filter(({ transactionId }) => ids.includes(transactionId ?? ''))
        .map(({ outcome }) => outcome.kind);
      expect(kinds.filter((kind) => kind !== 'completed')).toEqual(
        ids.flatMap(() => (fails ? ['retry'] : [])),
      );
      expect(
        await world.database.query('select distinct detail from effect where transaction_id like $1', [
          `${what} %`,
        ]),
      ).toEqual([{ detail: fails ? '2' : '1' }]);
      expect(await world.effects('work')).toBe(
        new Set(holdfast.settled.map((one) => one.transactionId)).size,
      );
      expect(await world.broker.depth(`${queue}.dlq`)).toBe(0);
    },
  );
});
