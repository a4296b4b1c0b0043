#!/bin/bash
# down.sh --base DIR : deletes what the service of up.sh holds, and ends it.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-podman
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; *) die "unknown $1";; esac; shift; done
api() { curl -s -m 60 --unix-socket "$BASE/podman.sock" "$@"; }
if alive podman; then
  for c in $(api "http://d/v1.41/containers/json?all=1" | grep -o '"Id":"[0-9a-f]*' | cut -d\" -f4); do api -o /dev/null -X DELETE "http://d/v1.41/containers/$c?force=true&v=true"; done
fi
stop_daemon podman
[ -d "$BASE/store" ] && { umount "$BASE"/store/overlay 2>/dev/null; rm -rf "$BASE"; }
exit 0
