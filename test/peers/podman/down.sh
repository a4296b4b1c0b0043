#!/bin/bash
# down.sh --base DIR : deletes what the service of up.sh holds, ends it, and puts the host back: networks, firewall, forwarding.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-podman
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; *) die "unknown $1";; esac; shift; done
api() { curl -s -m 60 --unix-socket "$BASE/podman.sock" "$@"; }
if alive podman; then
  for c in $(api "http://d/v1.41/containers/json?all=1" | grep -o '"Id":"[0-9a-f]*' | cut -d\" -f4); do api -o /dev/null -X DELETE "http://d/v1.41/containers/$c?force=true&v=true"; done
  for n in $(ls "$BASE/networks" 2>/dev/null | sed -n 's/\.\(conflist\|json\)$//p'); do api -o /dev/null -X DELETE "http://d/v1.41/networks/$n"; done
fi
for f in "$BASE"/networks/*.conflist; do [ -s "$f" ] && ip link del "$(grep -o '"bridge": *"[^"]*' "$f" | head -1 | cut -d'"' -f4)" 2>/dev/null; done
stop_daemon podman
# iptables tables that were not there before are the network plugins' own.
[ -s "$BASE/tables" ] && nft list tables 2>/dev/null | sort | comm -13 "$BASE/tables" - | while read -r _ family table; do
  case "$family $table" in "ip nat"|"ip filter"|"ip6 nat"|"ip6 filter") nft delete table "$family" "$table";; esac
done
[ -s "$BASE/ip_forward" ] && ! ip -br link show type bridge 2>/dev/null | grep -q '^lxd\|^cni\|^virbr' && cat "$BASE/ip_forward" > /proc/sys/net/ipv4/ip_forward
[ -d "$BASE/store" ] && { umount "$BASE"/store/overlay 2>/dev/null; rm -rf "$BASE"; }
exit 0
