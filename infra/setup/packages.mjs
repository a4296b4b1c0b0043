/** Debian packages by what needs them. `run`: `npm start`. `test`: the peers and tools of `npm test` besides. */
export const packages = {
  run: [
    'chromium',
    'xvfb',
    'xauth',
    'bubblewrap',
    'openbox',
    'matchbox-window-manager',
    'libgl1-mesa-dri',
    'fonts-dejavu-core',
    'fonts-liberation',
    'util-linux',
    'procps',
    'aeskulap',
    'amide',
  ],
  test: ['dcmtk', 'orthanc', 'orthanc-dicomweb', 'libnss3-tools', 'x11-utils'],
  /** Only where the media worker cannot be downloaded and is built here. */
  mediaWorker: [
    'g++',
    'cmake',
    'ninja-build',
    'pkg-config',
    'flatbuffers-compiler',
    'libflatbuffers-dev',
    'libsrtp2-dev',
    'libssl-dev',
    'libuv1-dev',
  ],
};
