/** Waits for the work, but not longer than `ms`; it goes on without us. Whether it succeeds is not asked here. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([settled, patience]);
  clearTimeout(timer);
}
