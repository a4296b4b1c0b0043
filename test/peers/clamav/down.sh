#!/bin/bash
# down.sh --base DIR : ends what up.sh started.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-clamav
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; *) die "unknown $1";; esac; shift; done
stop_daemon clamd
rm -rf "$BASE"
exit 0
