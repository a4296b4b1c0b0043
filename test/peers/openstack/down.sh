#!/bin/bash
# down.sh --base DIR [--wipe] : ends what up.sh started there, by its pid files; --wipe removes the state too.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-openstack
WIPE=0
while [ $# -gt 0 ]; do
  case $1 in
    --base) BASE=$2; shift ;;
    --wipe) WIPE=1 ;;
    *) die "unknown option $1" ;;
  esac
  shift
done
[ -d "$BASE/run" ] || exit 0
# The services first and at once; then what they stand on.
for file in "$BASE"/run/*.pid; do
  name=$(basename "$file" .pid)
  case $name in mysql | rabbit | '*') ;; *) stop_daemon "$name" & ;; esac
done
wait
stop_daemon rabbit
stop_daemon mysql
[ "$WIPE" = 1 ] && [ -s "$BASE/ports" ] && rm -rf "$BASE"
exit 0
