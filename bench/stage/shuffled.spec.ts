import { shuffled } from './shuffled';

it('a shuffled list has the same items in another order, the same every time', () => {
  const items = Array.from({ length: 1_000 }, (_, index) => index);
  const mixed = shuffled(items);
  expect(mixed).not.toEqual(items);
  expect([...mixed].sort((a, b) => a - b)).toEqual(items);
  expect(shuffled(items)).toEqual(mixed);
});

it('nothing, and one alone, stay what they are', () => {
  expect(shuffled([])).toEqual([]);
  expect(shuffled(['a'])).toEqual(['a']);
});
