/** Solves A x = b by Gaussian elimination with row exchange; for the few unknowns of a multistep order. */
export function solveLinear(matrix: readonly (readonly number[])[], values: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, values[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    const at = rows.indexOf(pivot);
    [rows[at], rows[column]] = [rows[column]!, pivot];
    for (const row of rows.slice(column + 1)) {
      const factor = row[column]! / pivot[column]!;
      pivot.forEach((value, i) => {
        row[i]! -= factor * value;
      });
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    const rest = solution.reduce((sum, value, j) => (j > i ? sum + value * rows[i]![j]! : sum), 0);
    solution[i] = (rows[i]![size]! - rest) / rows[i]![i]!;
  }
  return solution;
}
