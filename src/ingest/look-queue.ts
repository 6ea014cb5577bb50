/**
 * Paths that wait for a look, the newest name first: what arrives now is not kept waiting by what has lain there, and the
 * files of one group follow each other. A path is in one pair of hands at a time; named again meanwhile, it comes again.
 */
export class LookQueue {
  private readonly waiting = new Set<string>();
  /** `waiting` in ascending order, perhaps with paths that were taken since; null when paths came since. */
  private ordered: string[] | null = null;
  private readonly inHand = new Set<string>();

  add(path: string): void {
    if (this.waiting.has(path)) return;
    this.waiting.add(path);
    this.ordered = null;
  }

  hasWork(): boolean {
    return this.waiting.size > 0;
  }

  /** The next path that nobody has in hand, now in the caller's; null when there is none. */
  take(): string | null {
    this.ordered ??= [...this.waiting].sort();
    const held: string[] = [];
    let taken: string | null = null;
    for (let path = this.ordered.pop(); path !== undefined; path = this.ordered.pop()) {
      if (this.inHand.has(path)) {
        held.push(path);
      } else if (this.waiting.delete(path)) {
        taken = path;
        break;
      }
    }
    this.ordered.push(...held.reverse());
    if (taken !== null) this.inHand.add(taken);
    return taken;
  }

  /** Takes a path that is at hand anyway; false when another has it. */
  takeThis(path: string): boolean {
    if (this.inHand.has(path)) return false;
    this.waiting.delete(path);
    this.inHand.add(path);
    return true;
  }

  putDown(path: string): void {
    this.inHand.delete(path);
  }
}
