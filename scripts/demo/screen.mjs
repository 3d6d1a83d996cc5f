import { draw, summarise } from './picture.mjs';

const PLAIN_EVERY_MS = 5_000;

/** On a terminal: events scroll by, and below them one block is redrawn. */
export class TerminalScreen {
  #height = 0;
  #block = [];
  #keys;

  constructor(keys) {
    this.#keys = keys;
  }

  show(snapshot) {
    this.#block = draw(snapshot, { keys: this.#keys });
    this.#redraw([]);
  }

  say(text) {
    this.#redraw(text.split('\n'));
  }

  /** Leaves the last picture standing. */
  end() {
    this.#height = 0;
    this.#block = [];
  }

  #redraw(linesAbove) {
    const { columns = 80 } = process.stdout;
    const up = this.#height > 0 ? `\x1b[${this.#height}A\r` : '';
    // A line that wraps would be two, and the next picture would begin too low.
    const block = this.#block.map((line) => line.slice(0, columns - 1));
    const lines = [...linesAbove, ...block].map((line) => `${line}\x1b[K\n`);
    process.stdout.write(`${up}\x1b[J${lines.join('')}`);
    this.#height = block.length;
  }
}

/** Everywhere else: lines, one after the other. */
export class PlainScreen {
  #shownAt = -Infinity;

  show(snapshot) {
    const now = performance.now();
    if (now - this.#shownAt < PLAIN_EVERY_MS) return;
    this.#shownAt = now;
    console.log(summarise(snapshot));
  }

  say(text) {
    console.log(text);
  }

  end() {}
}
