/**
 * ∫ e^(rate·u) ℓᵢ(u) du from `from` to 0 for each Lagrange polynomial ℓᵢ over distinct nodes: the weights that an Adams
 * method gives to slopes known at the nodes, in plain time (rate 0) or in an exponential integrator's.
 */
export function lagrangeWeights(nodes: readonly number[], from: number, rate = 0): number[] {
  const moments = rate === 0 ? powerMoments(nodes.length, from) : exponentialMoments(nodes.length, from, rate);
  return nodes.map((_, i) => lagrangePolynomial(nodes, i).reduce((sum, factor, n) => sum + factor * moments[n]!, 0));
}

/** Coefficients, lowest power first, of the polynomial that is 1 at node i and 0 at the others. */
function lagrangePolynomial(nodes: readonly number[], i: number): number[] {
  let factors = [1];
  for (const other of nodes.filter((_, j) => j !== i)) {
    const scale = 1 / (nodes[i]! - other);
    factors = [...factors, 0].map((factor, n) => ((factors[n - 1] ?? 0) - other * factor) * scale);
  }
  return factors;
}

/** ∫ uⁿ du from `from` to 0. */
function powerMoments(count: number, from: number): number[] {
  return Array.from({ length: count }, (_, n) => -(from ** (n + 1)) / (n + 1));
}

/** ∫ e^(rate·u) uⁿ du from `from` to 0, by parts. */
function exponentialMoments(count: number, from: number, rate: number): number[] {
  const moments = [-Math.expm1(rate * from) / rate];
  for (let n = 1; n < count; n++) {
    moments.push(-(from ** n * Math.exp(rate * from) + n * moments[n - 1]!) / rate);
  }
  return moments;
}
