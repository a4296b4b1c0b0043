import highs from 'highs';

/** An independent judge of what is best: the optimum of programmes in CPLEX's LP format. */
export async function openSolver(): Promise<{ optimumOf(programme: string): number }> {
  // Its types describe the CommonJS build; what is imported is the function itself.
  const load = highs as unknown as (typeof highs)['default'];
  const solver = await load();
  return {
    optimumOf(programme) {
      const { Status: status, ObjectiveValue: optimum } = solver.solve(programme);
      if (status !== 'Optimal') throw new Error(`The solver found no optimum: ${status}`);
      return optimum;
    },
  };
}
