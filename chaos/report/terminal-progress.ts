import { eventsOf } from './events';
import type { Journal } from './journal';
import type { Output, Progress } from './output';
import { draw, type Moment, type Row } from './picture';

const EVENTS_SHOWN = 4;
const LABEL_WIDTH = 11;

/** Lines scroll by, and below them one block is redrawn. */
export class TerminalProgress implements Progress {
  private block: readonly Row[] = [];
  /** How wide each line of the block on the screen is. */
  private shown: readonly number[] = [];

  constructor(
    private readonly journal: Journal,
    private readonly moment: () => Moment,
    private readonly stream: Output,
    private readonly style: { readonly colours: boolean },
  ) {}

  tick(): void {
    const events = eventsOf(this.journal.faults).slice(-EVENTS_SHOWN);
    this.block = draw(this.journal, this.moment(), { events, width: this.width - LABEL_WIDTH });
    this.redraw([]);
  }

  tell(line: string): void {
    this.redraw(line.split('\n'));
  }

  end(): void {
    this.tick();
    this.block = [];
    this.shown = [];
  }

  /** The last column stays free: some terminals wrap as soon as it is written. */
  private get width(): number {
    return this.columns - 1;
  }

  private get columns(): number {
    return this.stream.columns ?? 80;
  }

  private redraw(linesAbove: readonly string[]): void {
    // What the cursor cannot reach it cannot overwrite: the block and the line below it fit the screen.
    const rows = this.block.slice(0, Math.max(1, (this.stream.rows ?? 24) - 1)).map((row) => this.cut(row));
    const lines = [...linesAbove, ...rows.map((row) => this.paint(row))].map((line) => `${line}\n`);
    this.stream.write(`${this.clear()}${lines.join('')}`);
    this.shown = rows.map(({ label, text }) => label.length + text.length);
  }

  private clear(): string {
    // A terminal made narrower since has broken the lines it shows.
    const height = this.shown.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / this.columns)), 0);
    return height > 0 ? `\x1b[${height}A\r\x1b[J` : '';
  }

  /** A line that wraps would be two, and the next picture would begin too low. */
  private cut({ label, text, loud }: Row): Row {
    const rest = Math.max(0, this.width - LABEL_WIDTH);
    return {
      label: label.padEnd(LABEL_WIDTH).slice(0, Math.max(0, this.width)),
      text: text.slice(0, rest),
      loud,
    };
  }

  private paint({ label, text, loud }: Row): string {
    if (!this.style.colours) return `${label}${text}`;
    return `\x1b[2m${label}\x1b[0m${loud === true ? `\x1b[33m${text}\x1b[0m` : text}`;
  }
}
