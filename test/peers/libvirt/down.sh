#!/bin/bash
# down.sh --base DIR : ends the guests and the libvirtd of up.sh. Its namespaces take bridges and firewall rules with them.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-libvirt
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; *) die "unknown $1";; esac; shift; done
if alive libvirtd; then
  for u in qemu lxc; do
    U="$u+unix:///system?socket=$BASE/run/libvirt-sock"
    for d in $(timeout 30 virsh -c "$U" list --name 2>/dev/null); do timeout 30 virsh -c "$U" destroy "$d" >/dev/null 2>&1; done
  done
  U="qemu+unix:///system?socket=$BASE/run/libvirt-sock"
  for n in $(timeout 30 virsh -c "$U" net-list --name 2>/dev/null); do timeout 30 virsh -c "$U" net-destroy "$n" >/dev/null 2>&1; done
fi
# Guests and DHCP servers outlive their libvirtd; their pid files lie in its own run folder.
for f in "$BASE"/run/qemu/*.pid "$BASE"/run/lxc/*.pid "$BASE"/run/network/*.pid; do [ -s "$f" ] && kill -KILL "$(cat "$f")" 2>/dev/null; done
stop_daemon libvirtd
[ -d "$BASE/pool" ] && rm -rf "$BASE"
exit 0
