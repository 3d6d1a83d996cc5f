import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { blocks, root } from './pages';
import { OrderHandlers } from './the-handler-of-the-readme';

describe('the handler of the README', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const accepted = aQueue('accepted');

  beforeAll(async () => {
    world = await World.create();
    await world.database.query('create table orders (id text not null, amount integer not null)');
    holdfast = await world.start({ handlers: [OrderHandlers] });
    const channel = await world.broker.ready();
    await channel.assertQueue(accepted);
    await channel.bindQueue(accepted, 'shop', 'order.accepted');
  });
  afterAll(() => world.remove());

  it('is the one that is tested here', () => {
    const own = readFileSync(join(__dirname, 'the-handler-of-the-readme.ts'), 'utf8');
    expect(blocks(readFileSync(join(root, 'README.md'), 'utf8'), 'ts')[0]).toBe(own);
  });

  it('takes effect once for a message that comes twice, and publishes after the commit', async () => {
    for (let copy = 0; copy < 2; copy++)
      await world.broker.publish('shop', 'order.created', 'o-1', { id: 'o-1', amount: 5 });
    await holdfast.outcome('o-1', 'duplicate');
    expect(await world.database.query('select id, amount from orders')).toEqual([{ id: 'o-1', amount: 5 }]);
    expect(JSON.parse((await world.broker.take(accepted)).content.toString())).toEqual({ id: 'o-1' });
    expect(await world.broker.depth(accepted)).toBe(0);
  });
});
