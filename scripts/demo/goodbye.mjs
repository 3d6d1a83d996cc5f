const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** A terminal signals the whole group and npm passes it on once more: that is one wish, not two. */
const SAME_WISH_MS = 1_000;

/**
 * Everything the demo starts is noted here with the way to end it, so that nothing is left however the demo ends: by
 * itself, by Ctrl-C at any moment, or by a second Ctrl-C that does not want to wait.
 */
export class Goodbye {
  #wish = new AbortController();
  #wishedAt;
  #undo = [];

  constructor() {
    for (const signal of SIGNALS) process.on(signal, () => this.wish());
  }

  /** Aborted when somebody wants to leave. */
  get signal() {
    return this.#wish.signal;
  }

  get isWished() {
    return this.signal.aborted;
  }

  /** Asks to leave; asked again it leaves at once. */
  wish() {
    const now = performance.now();
    if (this.#wishedAt === undefined) {
      this.#wishedAt = now;
      this.#wish.abort(new Error('somebody wants to leave'));
    } else if (now - this.#wishedAt > SAME_WISH_MS) this.#force();
  }

  /**
   * @param end ends it in order; may take its time.
   * @param force ends it now, without waiting for anything.
   */
  remember(what, end, force = () => {}) {
    this.#undo.push({ what, end, force });
  }

  /** Ends everything, the latest first. One that cannot be ended does not keep the others. */
  async say() {
    while (this.#undo.length > 0) {
      const { what, end } = this.#undo.at(-1);
      await Promise.resolve()
        .then(end)
        .catch((error) => console.error(`${what}: ${error.message}`));
      this.#undo.pop();
    }
  }

  #force() {
    for (const { force } of this.#undo.toReversed()) force();
    console.error('\nleft at once; the next demo removes the data of this one');
    process.exit(1);
  }
}
