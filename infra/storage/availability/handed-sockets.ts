/** The first descriptor that is handed over (sd_listen_fds(3)). */
const firstDescriptor = 3;

/** What may be handed over, by the names that its socket unit gives it (`FileDescriptorName=`). */
export type HandedSockets = {
  readonly dicom: number | undefined;
  readonly 'dicom-tls': number | undefined;
  readonly dicomweb: number | undefined;
};

/**
 * Sockets that somebody else listens on and hands to us, as systemd does. Several nodes may have the same one: each takes connections
 * from the one queue, and what waits in it when a node ends is taken by another. No connection is refused, and none is lost.
 * @param processId ours: what is meant for another process is none of our business
 */
export function handedSockets(environment: NodeJS.ProcessEnv, processId: number): HandedSockets {
  const isOurs = environment['LISTEN_PID'] === String(processId);
  const count = isOurs ? Number(environment['LISTEN_FDS'] ?? 0) : 0;
  const names = (environment['LISTEN_FDNAMES'] ?? '').split(':').slice(0, count);
  const descriptorOf = (name: keyof HandedSockets): number | undefined => {
    const at = names.indexOf(name);
    return at < 0 ? undefined : firstDescriptor + at;
  };
  return {
    dicom: descriptorOf('dicom'),
    'dicom-tls': descriptorOf('dicom-tls'),
    dicomweb: descriptorOf('dicomweb'),
  };
}
