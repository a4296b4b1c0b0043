import { guestFiles, guestUnit, type GuestManifest } from '@medusa/broker/provision/guest';

/** Where Medusa lies in a guest. */
export const installFolder = 'opt/medusa';
/** Starts the agent: the command of a container, and what the unit runs. */
export const startCommand = `/${installFolder}/bin/medusa-agent`;

type SystemFile = { readonly file: string; readonly mode: number; readonly content: string };

/** What starts the agent in a machine with systemd, or in a container without. */
export function systemFiles(manifest: GuestManifest): SystemFile[] {
  return [
    { file: startCommand.slice(1), mode: 0o755, content: startScript(manifest) },
    { file: `etc/systemd/system/${guestUnit}`, mode: 0o644, content: unit(manifest) },
    { file: 'etc/cloud/cloud.cfg.d/90-medusa.cfg', mode: 0o644, content: cloudConfig },
  ];
}

export const systemLinks: Readonly<Record<string, string>> = {
  [`etc/systemd/system/multi-user.target.wants/${guestUnit}`]: `../${guestUnit}`,
};

/** Paths of this image; who starts the agent can set others. */
function startScript({ program }: GuestManifest): string {
  return `#!/bin/sh
set -e
root=/${installFolder}
umask 077
export MEDUSA_NODE_DIR="\${MEDUSA_NODE_DIR:-/var/lib/medusa/node}"
export MEDUSA_STORAGE_DIR="\${MEDUSA_STORAGE_DIR:-/var/lib/medusa/storage}"
export MEDIASOUP_WORKER_BIN="\${MEDIASOUP_WORKER_BIN:-$root/bin/mediasoup-worker}"
mkdir -p "$MEDUSA_NODE_DIR"
exec "$root/bin/node" "$root/${program}"
`;
}

/**
 * Runs when the machine was told who it is: by user data, or by the environment of its first process (LXD's
 * `environment.*`). What it says is on the machine's console too, as that is all an administrator sees of a machine that
 * does not join. Status 3: the broker does not want it, and asking again would not help.
 */
function unit({ role }: GuestManifest): string {
  return `[Unit]
Description=Medusa ${role} node
Wants=network-online.target
After=network-online.target
ConditionPathExists=|${guestFiles.environment}
ConditionEnvironment=|MEDUSA_NODE_ID

[Service]
Type=exec
PassEnvironment=${passedVariables.join(' ')}
EnvironmentFile=-${guestFiles.environment}
ExecStart=${startCommand}
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=3
KillMode=mixed
TimeoutStopSec=20
LimitNOFILE=65536
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`;
}

/** systemd passes what is named alone. */
const passedVariables = [
  ...['BROKER_URL', 'NODE_ID', 'JOIN_TOKEN', 'NODE_TOKEN', 'CA', 'NODE_DIR', 'SLOTS', 'APPLICATIONS'],
  ...['RTC_ADDRESS', 'RTC_BIND', 'RTC_PORT', 'FRAMES_PER_SECOND', 'LAUNCH_SECONDS', 'ORPHAN_SECONDS'],
  ...['BIND', 'DICOM_PORT', 'AE_TITLE', 'CALLING_AE_TITLES', 'STORAGE_DIR', 'STORAGE_ADDRESS'],
  ...['STORAGE_HTTPS_PORT', 'STORAGE_RESERVE_MIB', 'TLS_CERT', 'TLS_KEY', 'LOG_LEVEL'],
].map((name) => `MEDUSA_${name}`);

/** Only the steps of cloud-init that a guest needs: a slow machine is spared the others, and nobody logs in here. */
const cloudConfig = `datasource_list: [NoCloud, ConfigDrive, OpenStack, Ec2, Azure, LXD, None]
users: []
disable_root: true
ssh_deletekeys: false
cloud_init_modules: [seed_random, growpart, resizefs, write-files, set_hostname]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
`;
