#!/bin/bash
# up.sh --base DIR [--free-ports] : Podman as a Docker-compatible API on a unix socket, with a local 2 MB image localhost/tiny:1
# (busybox). No registry. Run as root. Two things differ from a usual start:
#  - crun refuses hybrid cgroups: the service gets a mount namespace without /sys/fs/cgroup/unified (limits work through v1 then)
#  - without CAP_SYS_RESOURCE the default ulimits must not exceed the hard limits there are
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-podman
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; --free-ports) ;; *) die "unknown $1";; esac; shift; done
T0=$(date +%s%N); mkdir -p "$BASE"/{store,runroot,log,run,tmp,networks}
cat > "$BASE/containers.conf" <<C
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
pids_limit = 512
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
tmp_dir = "$BASE/tmp"
[network]
network_config_dir = "$BASE/networks"
C
# Its own network namespace too: bridges and firewall rules of the network plugins vanish with it.
alive podman || { rm -f "$BASE/podman.sock"; daemon podman unshare -m -n sh -c 'mount --make-rprivate / && ip link set lo up && { umount /sys/fs/cgroup/unified 2>/dev/null; true; } &&
  CONTAINERS_CONF="$0/containers.conf" exec podman --root "$0/store" --runroot "$0/runroot" system service --time 0 "unix://$0/podman.sock"' "$BASE"; }
wait_for 60 podman curl -sf --unix-socket "$BASE/podman.sock" http://d/_ping || die "podman: $BASE/log/podman.log"
if ! curl -sf --unix-socket "$BASE/podman.sock" http://d/v4.0.0/libpod/images/localhost/tiny:1/exists; then
  tiny_rootfs "$BASE/img"
  tar -C "$BASE/img" -cf "$BASE/tiny.tar" .
  curl -sf --unix-socket "$BASE/podman.sock" -X POST -H 'content-type: application/x-tar' --data-binary @"$BASE/tiny.tar" 'http://d/v4.0.0/libpod/images/import?reference=localhost/tiny:1&changes=CMD%20%5B%22/bin/sh%22%2C%22-c%22%2C%22echo%20GUEST-UP%3B%20trap%20exit%20TERM%3B%20sleep%20100000%20%26%20wait%22%5D' >&2 || die import
fi
log "podman up in $(( ($(date +%s%N)-T0)/1000000 )) ms, $(rss_mb) MB"
echo "export DOCKER_SOCKET=$BASE/podman.sock DOCKER_IMAGE=localhost/tiny:1 DOCKER_ROOTFS=$BASE/img"
