#!/bin/bash
# down.sh --base DIR : ends what up.sh started.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-swift
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; *) die "unknown $1";; esac; shift; done
for f in "$BASE"/run/*.pid; do [ -e "$f" ] && stop_daemon "$(basename "$f" .pid)" & done; wait
rm -rf "$BASE"
exit 0
