#!/bin/bash
# up.sh --base DIR [--free-ports] [--nodes N=4] : OpenStack Swift on loopback: a proxy with TempAuth and the S3 API, and N nodes of account,
# container and object server, three copies of everything. Run again with the same DIR it starts what does not run. As root.
# SWIFT_ROOT=DIR takes Swift from there, where Debian's packages were unpacked (dpkg -x) and not installed.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-swift; NODES=4
while [ $# -gt 0 ]; do case $1 in
  --base) BASE=$2; shift;; --free-ports) FREE_PORTS=1;; --nodes) NODES=$2; shift;; *) die "unknown $1";; esac; shift; done
if [ -n "${SWIFT_ROOT:-}" ]; then
  export PATH=$SWIFT_ROOT/usr/bin:$PATH PYTHONPATH=$SWIFT_ROOT/usr/lib/python3/dist-packages LD_LIBRARY_PATH=$SWIFT_ROOT/usr/lib/$(uname -m)-linux-gnu
fi
T0=$(date +%s%N); mkdir -p "$BASE"/{etc,log,run,cache} /etc/swift
pick_port SWIFT_PORT 8080; pick_port MEMCACHED 11311
for k in $(seq "$NODES"); do pick_port ACCOUNT$k 6${k}02; pick_port CONTAINER$k 6${k}01; pick_port OBJECT$k 6${k}00; done
cat > "$BASE/etc/swift.conf" <<C
[swift-hash]
swift_hash_path_suffix = fixture
swift_hash_path_prefix = fixture
[storage-policy:0]
name = gold
default = yes
[swift-constraints]
max_file_size = 16777216
C
# Rings: part power 6, three copies, a zone for each node.
for kind in account container object; do
  [ -s "$BASE/etc/$kind.ring.gz" ] && continue
  K=${kind^^}; B=$BASE/etc/$kind.builder
  swift-ring-builder "$B" create 6 3 0 >/dev/null || die "ring $kind"
  for k in $(seq "$NODES"); do p=$K$k; swift-ring-builder "$B" add "r1z$k-127.0.0.1:${!p}/d$k" 100 >/dev/null; done
  swift-ring-builder "$B" rebalance >/dev/null || die "ring $kind"
done
cat > "$BASE/etc/proxy-server.conf" <<C
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $SWIFT_PORT
workers = 0
user = $(id -un)
log_level = WARNING
log_address = $BASE/log/none
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats s3api tempauth slo dlo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
recheck_account_existence = 1
recheck_container_existence = 1
node_timeout = 10
conn_timeout = 1
error_suppression_interval = 5
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
storage_url_scheme = http
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
auth_pipeline_check = false
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$MEMCACHED
$(for f in catch_errors gatekeeper healthcheck listing_formats slo dlo versioned_writes; do printf '[filter:%s]\nuse = egg:swift#%s\n' $f $f; done)
C
for k in $(seq "$NODES"); do
  mkdir -p "$BASE/node$k/d$k" "$BASE/cache/$k"
  for kind in account container object; do
    K=${kind^^}$k
    cat > "$BASE/etc/$kind-server-$k.conf" <<C
[DEFAULT]
devices = $BASE/node$k
mount_check = false
bind_ip = 127.0.0.1
bind_port = ${!K}
workers = 0
user = $(id -un)
log_level = WARNING
log_address = $BASE/log/none
recon_cache_path = $BASE/cache/$k
fallocate_reserve = 0
[pipeline:main]
pipeline = healthcheck $kind-server
[app:$kind-server]
use = egg:swift#$kind
[filter:healthcheck]
use = egg:swift#healthcheck
C
  done
done
# Swift knows no other place than /etc/swift: each daemon sees this one there.
serve() { daemon "$1" unshare -m sh -c 'mount --make-rprivate / && mount --bind "$0" /etc/swift && exec "$@"' "$BASE/etc" "${@:2}"; }
daemon memcached memcached -u nobody -l 127.0.0.1 -p "$MEMCACHED" -m 32
for k in $(seq "$NODES"); do for kind in account container object; do serve "$kind-$k" "swift-$kind-server" "/etc/swift/$kind-server-$k.conf"; done; done
serve proxy swift-proxy-server /etc/swift/proxy-server.conf
wait_for 120 proxy curl -sf "http://127.0.0.1:$SWIFT_PORT/healthcheck" || die "proxy: $BASE/log/proxy.log"
for k in $(seq "$NODES"); do for K in ACCOUNT CONTAINER OBJECT; do p=$K$k; wait_for 60 "$p" curl -sf "http://127.0.0.1:${!p}/healthcheck" || die "$p"; done; done
log "swift up in $(( ($(date +%s%N)-T0)/1000000 )) ms, $(rss_mb) MB"
echo "export SWIFT_URL=http://127.0.0.1:$SWIFT_PORT SWIFT_USER=test:tester SWIFT_KEY=testing"
