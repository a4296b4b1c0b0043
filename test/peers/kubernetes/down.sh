#!/bin/bash
# down.sh --base DIR : ends what up.sh started there.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=
while [ $# -gt 0 ]; do
  case $1 in --base) BASE=$2; shift ;; *) die "unknown option $1" ;; esac
  shift
done
[ -n "$BASE" ] || die "--base DIR"
for file in "$BASE"/run/hollow*.pid; do
  [ -e "$file" ] && stop_daemon "$(basename "$file" .pid)" &
done
wait
for name in scheduler controller-manager apiserver etcd; do stop_daemon "$name"; done
exit 0
