import { PARTS } from './parts';

describe('the parts of the bench', () => {
  it('have names of their own', () => {
    const names = PARTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(PARTS.map((part) => [part.name, part] as const))(
    '%s compares variants that it has, by measures that it has',
    (_, { variants, targets, baseline, measures }) => {
      const names = variants.map(({ name }) => name);
      const keys = measures.map(({ key }) => key);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toContain(baseline);
      for (const target of targets) {
        expect(names).toEqual(expect.arrayContaining([target.variant, target.against]));
        if (target.measure !== undefined) expect(keys).toContain(target.measure);
      }
    },
  );
});
