/** Things that happen at a time, the earliest first; of those at the same time, the one that was put in first. */
export type EventQueue<Event> = {
  add(atMs: number, event: Event): void;
  next(): { readonly atMs: number; readonly event: Event } | undefined;
};

type Entry<Event> = { readonly atMs: number; readonly order: number; readonly event: Event };

/** A binary heap. */
export function createEventQueue<Event>(): EventQueue<Event> {
  const heap: Entry<Event>[] = [];
  let order = 0;
  return {
    add(atMs, event) {
      heap.push({ atMs, order, event });
      order += 1;
      rise(heap, heap.length - 1);
    },
    next() {
      const [first] = heap;
      const last = heap.pop();
      if (first && last && heap.length > 0) {
        heap[0] = last;
        sink(heap, 0);
      }
      return first;
    },
  };
}

function rise<Event>(heap: Entry<Event>[], from: number): void {
  let index = from;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(heap[index], heap[parent])) return;
    swap(heap, index, parent);
    index = parent;
  }
}

function sink<Event>(heap: Entry<Event>[], from: number): void {
  let index = from;
  for (;;) {
    const left = 2 * index + 1;
    let least = index;
    if (isBefore(heap[left], heap[least])) least = left;
    if (isBefore(heap[left + 1], heap[least])) least = left + 1;
    if (least === index) return;
    swap(heap, index, least);
    index = least;
  }
}

function swap<Event>(heap: Entry<Event>[], one: number, other: number): void {
  const [first, second] = [heap[one], heap[other]];
  if (!first || !second) return;
  heap[one] = second;
  heap[other] = first;
}

function isBefore<Event>(one: Entry<Event> | undefined, other: Entry<Event> | undefined): boolean {
  if (!one || !other) return false;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
