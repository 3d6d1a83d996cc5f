/** What a group failed with, as a whole. */
export interface GroupFailure {
  readonly error: unknown;
}

export interface Bisecting<Member> {
  /** Runs a group. @returns undefined when each of its members has come to its end. */
  readonly run: (group: readonly Member[]) => Promise<GroupFailure | undefined>;
  /** The failure is the doing of each of these. */
  readonly blame: (members: readonly Member[], failure: GroupFailure) => void;
  readonly isTimeout: (failure: GroupFailure) => boolean;
}

/**
 * Finds who makes a group fail: each half is run by itself, and a half that fails is halved again, until one stands alone. Of a hundred
 * members with a bad one among them, fourteen further runs.
 *
 * Two halves that both take too long are not the doing of one member: halving on would only take longer.
 */
export async function bisect<Member>(
  group: readonly Member[],
  failure: GroupFailure,
  rules: Bisecting<Member>,
): Promise<void> {
  if (group.length < 2) {
    rules.blame(group, failure);
    return;
  }
  const middle = Math.ceil(group.length / 2);
  const failed: { readonly half: readonly Member[]; readonly failure: GroupFailure }[] = [];
  for (const half of [group.slice(0, middle), group.slice(middle)]) {
    const found = await rules.run(half);
    if (found) failed.push({ half, failure: found });
  }
  const isSlowAsAWhole = failed.length === 2 && failed.every((one) => rules.isTimeout(one.failure));
  for (const one of failed) {
    if (isSlowAsAWhole) rules.blame(one.half, one.failure);
    else await bisect(one.half, one.failure, rules);
  }
}
