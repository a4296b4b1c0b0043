#!/bin/bash
# up.sh --base DIR [--free-ports] : clamd on loopback and on a unix socket, with nothing but our own signatures: EICAR, and a
# harmless word. No freshclam, no download. Runs as whoever starts it.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=/var/tmp/medusa-clamav
while [ $# -gt 0 ]; do case $1 in --base) BASE=$2; shift;; --free-ports) FREE_PORTS=1;; *) die "unknown $1";; esac; shift; done
T0=$(date +%s%N); mkdir -p "$BASE"/{db,log,run,tmp}
pick_port CLAMD_PORT 3310
# The test file of EICAR, in two parts, so that this one is not taken for it.
EICAR='X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR''-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'
hex() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }
printf 'Medusa.Test.Eicar:0:*:%s\nMedusa.Test.Word:0:*:%s\n' "$(hex "$EICAR")" "$(hex 'medusa-peer-test-signature')" > "$BASE/db/medusa.ndb"
cat > "$BASE/clamd.conf" <<C
DatabaseDirectory $BASE/db
TemporaryDirectory $BASE/tmp
LocalSocket $BASE/clamd.sock
TCPAddr 127.0.0.1
TCPSocket $CLAMD_PORT
StreamMaxLength 8M
MaxFileSize 8M
MaxScanSize 8M
Foreground yes
OfficialDatabaseOnly no
User $(id -un)
C
daemon clamd clamd --config-file="$BASE/clamd.conf"
wait_for 60 clamd sh -c "clamdscan --config-file='$BASE/clamd.conf' --ping 1" || die "clamd: $BASE/log/clamd.log"
log "clamd up in $(( ($(date +%s%N)-T0)/1000000 )) ms, $(rss_mb) MB"
echo "export CLAMD_SOCKET=$BASE/clamd.sock CLAMD_PORT=$CLAMD_PORT"
