#!/bin/bash
# up.sh --base DIR [--free-ports] [--subnet 10.92.0] : a private LXD daemon: unix socket, HTTPS API on 127.0.0.1 with a client
# certificate, a dir storage pool, a bridge with DHCP, and a 1 MB image "tiny" (busybox init, gets an address by DHCP).
# Containers only (no /dev/kvm needed). Works with hybrid cgroups and without CAP_SYS_RESOURCE. Run as root.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-lxd; FREE_PORTS=0; NET=
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; --free-ports) FREE_PORTS=1;; --subnet) NET=$2; shift;; *) die "unknown $1";; esac; shift; done
T0=$(date +%s%N); mkdir -p "$BASE"/{var,log,run}; chmod 711 "$BASE"; export LXD_DIR=$BASE/var HOME=${HOME:-/root}
pick_port LXD_PORT 18443
BR=$(bridge_name lxd)
[ -s "$BASE/ip_forward" ] || cat /proc/sys/net/ipv4/ip_forward > "$BASE/ip_forward" # LXD switches it on; down.sh puts it back
grep -q ^root: /etc/subuid || echo root:100000:10000001 >> /etc/subuid
grep -q ^root: /etc/subgid || echo root:100000:10000001 >> /etc/subgid
# Its own mount namespace: mounts of pools and containers vanish with it.
alive lxd || daemon lxd unshare -m sh -c 'mount --make-rprivate / && exec lxd --group root --logfile "$0/log/lxd.log"' "$BASE"
lxd waitready --timeout 60 || die "lxd: $BASE/log/lxd.log"
if ! lxc storage show default >/dev/null 2>&1; then
  [ -n "$NET" ] || NET=$(free_subnet)
  echo "$NET" > "$BASE/subnet"
  lxd init --preseed >&2 <<P || die preseed
config: {core.https_address: "127.0.0.1:$LXD_PORT", images.auto_update_interval: "0"}
storage_pools: [{name: default, driver: dir}]
networks: [{name: $BR, type: bridge, config: {ipv4.address: $NET.1/24, ipv4.nat: "false", ipv4.firewall: "false", ipv6.address: none}}]
profiles: [{name: default, devices: {root: {type: disk, pool: default, path: /}, eth0: {type: nic, network: $BR, name: eth0}}}]
P
fi
NET=$(cat "$BASE/subnet")
if ! lxc image info tiny >/dev/null 2>&1; then
  tiny_rootfs "$BASE/img/rootfs"
  printf 'architecture: x86_64\ncreation_date: 1700000000\nproperties: {description: tiny busybox, os: busybox, release: "1"}\n' > "$BASE/img/metadata.yaml"
  tar -C "$BASE/img" -czf "$BASE/tiny.tar.gz" metadata.yaml rootfs
  lxc image import "$BASE/tiny.tar.gz" --alias tiny >&2 || die image
fi
if [ ! -s "$BASE/client.crt" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=broker -keyout "$BASE/client.key" -out "$BASE/client.crt" 2>/dev/null
  lxc config trust add "$BASE/client.crt" --name broker >&2
fi
log "lxd up in $(( ($(date +%s%N)-T0)/1000000 )) ms, $(rss_mb) MB"
echo "export LXD_DIR=$LXD_DIR LXD_SOCKET=$LXD_DIR/unix.socket LXD_URL=https://127.0.0.1:$LXD_PORT LXD_CLIENT_CERT=$BASE/client.crt LXD_CLIENT_KEY=$BASE/client.key LXD_SERVER_CERT=$LXD_DIR/server.crt LXD_IMAGE=tiny LXD_NETWORK=$BR LXD_HOST_ADDRESS=$NET.1 LXD_ROOTFS=$BASE/img/rootfs"
