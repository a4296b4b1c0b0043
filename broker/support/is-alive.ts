/** Whether there is a process with this id; one of ours that has ended has been waited for by Node. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
