/** A pair that can be joined: its rank, and the place of its left symbol. */
type Candidate = readonly [rank: number, place: number, joined: string];

/**
 * Joins neighbours, the pair of the lowest rank first and of equal ones the leftmost, until no pair has a rank (Sennrich
 * et al. 2016, Algorithm 1). Takes n log n steps, so that words of any length end.
 */
export function mergeSymbols(
  symbols: readonly (string | undefined)[],
  ranks: ReadonlyMap<string, number>,
): readonly string[] {
  const list = [...symbols];
  const next = list.map((_, i) => i + 1);
  const before = list.map((_, i) => i - 1);
  const heap: Candidate[] = [];
  const offer = (place: number) => {
    const [left, right] = [list[place], list[next[place] ?? list.length]];
    const rank = left === undefined || right === undefined ? undefined : ranks.get(`${left} ${right}`);
    if (rank !== undefined) push(heap, [rank, place, `${left}${right}`]);
  };
  for (let place = 0; place < list.length; place++) offer(place);
  for (let best = pop(heap); best; best = pop(heap)) {
    const [, place, joined] = best;
    const right = next[place] ?? list.length;
    // one of the two may have been joined with another meanwhile
    if (list[place] === undefined || `${list[place]}${list[right]}` !== joined) continue;
    list[place] = joined;
    list[right] = undefined;
    next[place] = next[right] ?? list.length;
    if (next[place] < list.length) before[next[place]] = place;
    offer(place);
    const left = before[place] ?? -1;
    if (left >= 0) offer(left);
  }
  return list.filter((symbol) => symbol !== undefined);
}

const isBefore = (a: Candidate, b: Candidate): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

/** Puts a candidate into a binary heap. */
function push(heap: Candidate[], candidate: Candidate): void {
  let place = heap.push(candidate) - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!isBefore(candidate, heap[parent]!)) break;
    heap[place] = heap[parent]!;
    place = parent;
  }
  heap[place] = candidate;
}

/** Takes the first candidate out of it. */
function pop(heap: Candidate[]): Candidate | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (child >= heap.length || !isBefore(heap[child]!, last)) break;
    heap[place] = heap[child]!;
    place = child;
  }
  heap[place] = last;
  return first;
}
