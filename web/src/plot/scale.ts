// Round numbers for the axes of plots.

/** The top of an axis for values up to `most`, and its steps: two to four of them, at round numbers. */
export function niceScale(most: number, least = 1): { top: number; ticks: number[] } {
  const needed = Math.max(most, least);
  const magnitude = 10 ** Math.floor(Math.log10(needed / 2));
  const step = [1, 2, 2.5, 5, 10, 20].map((each) => each * magnitude).find((each) => each * 3 >= needed) ?? needed;
  const count = Math.max(2, Math.ceil(needed / step - 1e-9));
  return { top: step * count, ticks: Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(6))) };
}

/** Running sums of series over each other, the first at the bottom. */
export function stacked(series: readonly (readonly (number | null)[])[]): number[][] {
  const sums: number[][] = [];
  for (const values of series) {
    const below = sums.at(-1);
    sums.push(values.map((value, at) => (below?.[at] ?? 0) + (value ?? 0)));
  }
  return sums;
}

export function highest(values: readonly (readonly (number | null)[])[]): number {
  let most = 0;
  for (const each of values) for (const value of each) if (value !== null && value > most) most = value;
  return most;
}
