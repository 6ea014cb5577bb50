/**
 * Paths that wait for a look, the newest name first: what arrives now is not kept waiting by what has lain there, and the
 * files of one group follow each other. A path is in one pair of hands at a time; named again meanwhile, it comes again.
 */
export class LookQueue {
  private readonly waiting = new Set<string>();
  /** The paths of `waiting` as a heap: none is newer than the one at (k − 1) / 2. Some may have been taken by name. */
  private readonly heap: string[] = [];
  private readonly inHand = new Set<string>();

  add(path: string): void {
    if (this.waiting.has(path)) return;
    this.waiting.add(path);
    this.push(path);
  }

  hasWork(): boolean {
    return this.waiting.size > 0;
  }

  /** The next path that nobody has in hand, now in the caller's; null when there is none. */
  take(): string | null {
    const held: string[] = [];
    let taken: string | null = null;
    for (let path = this.pop(); path !== null; path = this.pop()) {
      if (this.inHand.has(path)) {
        held.push(path);
      } else if (this.waiting.delete(path)) {
        taken = path;
        break;
      }
    }
    for (const path of held) this.push(path);
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

  private push(path: string): void {
    let at = this.heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.heap[parent] ?? '';
      if (above >= path) break;
      this.heap[at] = above;
      at = parent;
    }
    this.heap[at] = path;
  }

  private pop(): string | null {
    const newest = this.heap[0];
    const last = this.heap.pop();
    if (newest === undefined || last === undefined) return null;
    if (this.heap.length === 0) return newest;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const child = (this.heap[left + 1] ?? '') > (this.heap[left] ?? '') ? left + 1 : left;
      const below = this.heap[child];
      if (below === undefined || below <= last) break;
      this.heap[at] = below;
      at = child;
    }
    this.heap[at] = last;
    return newest;
  }
}
