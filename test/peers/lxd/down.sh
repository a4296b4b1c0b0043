#!/bin/bash
# down.sh --base DIR : deletes what the daemon of up.sh holds, ends it, and puts the host back: bridges, firewall, forwarding.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-lxd
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; *) die "unknown $1";; esac; shift; done
export LXD_DIR=$BASE/var HOME=${HOME:-/root}; BR=$(bridge_name lxd)
if alive lxd; then
  lxc list -c n --format csv 2>/dev/null | while read -r c; do timeout 60 lxc delete -f "$c" </dev/null; done >/dev/null 2>&1
  lxc profile device remove default eth0 >/dev/null 2>&1
  lxc network list --format csv 2>/dev/null | awk -F, '$3=="YES"{print $1}' | while read -r n; do timeout 30 lxc network delete "$n" </dev/null; done >/dev/null 2>&1
  timeout 40 lxd shutdown --timeout 20 >/dev/null 2>&1
fi
stop_daemon lxd
# What a daemon that was killed could not take down itself.
for f in "$BASE"/var/networks/*/dnsmasq.pid "$BASE"/var/networks/*/forkdns.pid; do [ -s "$f" ] && kill "$(awk '/pid:/{print $2}' "$f")" 2>/dev/null; done
ip link del "$BR" 2>/dev/null
for n in "$BASE"/var/networks/*/; do [ -d "$n" ] && ip link del "$(basename "$n")" 2>/dev/null; done
ip -br link show type bridge 2>/dev/null | grep -q '^lxd\|^mds' || nft delete table inet lxd 2>/dev/null
[ -s "$BASE/ip_forward" ] && ! ip -br link show type bridge 2>/dev/null | grep -q '^lxd' && cat "$BASE/ip_forward" > /proc/sys/net/ipv4/ip_forward
[ -s "$BASE/ports" ] && rm -rf "$BASE"
exit 0
