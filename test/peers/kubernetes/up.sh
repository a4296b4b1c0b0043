#!/bin/bash
# up.sh --base DIR [--free-ports] [--nodes N=2]
# A Kubernetes control plane on loopback: etcd, API server (TLS, bearer tokens, RBAC), controllers, scheduler, and N hollow nodes
# (kubemark: the kubelet over a pretended runtime, so pods become Running and run nothing), each in a zone of its own with two
# pretended GPUs. KUBEBUILDER_ASSETS (the convention of envtest) names the folder with kube-apiserver, kube-controller-manager,
# kube-scheduler and kubemark; etcd lies there too or on the PATH.
HERE=$(cd "$(dirname "$0")" && pwd); . "$HERE/../support/lib.sh"
BASE=; FREE_PORTS=0; NODES=2; BIN=${KUBEBUILDER_ASSETS:-}
while [ $# -gt 0 ]; do
  case $1 in
    --base) BASE=$2; shift ;;
    --free-ports) FREE_PORTS=1 ;;
    --nodes) NODES=$2; shift ;;
    *) die "unknown option $1" ;;
  esac
  shift
done
[ -n "$BASE" ] || die "--base DIR"
for program in kube-apiserver kube-controller-manager kube-scheduler kubemark; do
  [ -x "$BIN/$program" ] || die "KUBEBUILDER_ASSETS names no folder with $program"
done
ETCD_PROGRAM=$BIN/etcd; [ -x "$ETCD_PROGRAM" ] || ETCD_PROGRAM=$(command -v etcd) || die "etcd is neither in $BIN nor on the PATH"

mkdir -p "$BASE"/{pki,run,log,etcd}; chmod 700 "$BASE"
pick_port ETCD 12379; pick_port ETCD_PEER 12380; pick_port KUBE 16443
(
  umask 077; cd "$BASE/pki" || exit 1
  [ -s sa.key ] || openssl genrsa -out sa.key 2048
  [ -s ca.crt ] || {
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=peer-ca -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout server.key -out server.csr
    printf 'subjectAltName=IP:127.0.0.1,IP:10.97.0.1,DNS:localhost\n' > server.ext
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.crt
    openssl req -newkey rsa:2048 -nodes -subj /O=medusa-brokers/CN=medusa-broker-by-certificate -keyout broker.key -out broker.csr
    openssl x509 -req -in broker.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out broker.crt
  }
  for who in admin node broker; do [ -s "$who.token" ] || openssl rand -hex 24 > "$who.token"; done
) 2>/dev/null
ADMIN=$(cat "$BASE/pki/admin.token"); NODE=$(cat "$BASE/pki/node.token"); BROKER=$(cat "$BASE/pki/broker.token")
cat > "$BASE/pki/tokens.csv" <<C
$ADMIN,admin,admin,"system:masters"
$NODE,hollow,hollow,"system:masters"
$BROKER,medusa-broker,medusa-broker,"medusa-brokers"
C
kubeconfig() {
  cat > "$1" <<C
apiVersion: v1
kind: Config
clusters: [{name: peer, cluster: {server: "https://127.0.0.1:$KUBE", certificate-authority: $BASE/pki/ca.crt}}]
users: [{name: user, user: {token: $2}}]
contexts: [{name: peer, context: {cluster: peer, user: user}}]
current-context: peer
C
}
kubeconfig "$BASE/admin.kubeconfig" "$ADMIN"; kubeconfig "$BASE/node.kubeconfig" "$NODE"
printf 'header = "Authorization: Bearer %s"\ncacert = "%s"\nsilent\n' "$ADMIN" "$BASE/pki/ca.crt" > "$BASE/pki/curl"
api() { curl -K "$BASE/pki/curl" "$@"; }
api_answers() { api "https://127.0.0.1:$KUBE$1" | grep -q "$2"; }

daemon etcd "$ETCD_PROGRAM" --data-dir "$BASE/etcd" --listen-client-urls "http://127.0.0.1:$ETCD" --advertise-client-urls "http://127.0.0.1:$ETCD" \
  --listen-peer-urls "http://127.0.0.1:$ETCD_PEER" --initial-advertise-peer-urls "http://127.0.0.1:$ETCD_PEER" \
  --initial-cluster "default=http://127.0.0.1:$ETCD_PEER" --log-level warn
wait_for 60 etcd curl -sf "http://127.0.0.1:$ETCD/health" || die "etcd: $(tail -5 "$BASE/log/etcd.log")"
daemon apiserver "$BIN/kube-apiserver" --etcd-servers "http://127.0.0.1:$ETCD" --bind-address 127.0.0.1 --secure-port "$KUBE" --insecure-port 0 \
  --tls-cert-file "$BASE/pki/server.crt" --tls-private-key-file "$BASE/pki/server.key" --client-ca-file "$BASE/pki/ca.crt" \
  --token-auth-file "$BASE/pki/tokens.csv" --authorization-mode RBAC --service-cluster-ip-range 10.97.0.0/24 \
  --service-account-issuer https://peer --service-account-key-file "$BASE/pki/sa.key" \
  --service-account-signing-key-file "$BASE/pki/sa.key" --advertise-address 127.0.0.1 --endpoint-reconciler-type none
wait_for 180 apiserver api_answers /readyz ok || die "kube-apiserver: $(tail -5 "$BASE/log/apiserver.log")"
daemon controller-manager "$BIN/kube-controller-manager" --kubeconfig "$BASE/admin.kubeconfig" --bind-address 127.0.0.1 --secure-port 0 --port 0 \
  --leader-elect=false --service-account-private-key-file "$BASE/pki/sa.key" --root-ca-file "$BASE/pki/ca.crt" \
  --use-service-account-credentials=false --controllers '*,-nodeipam'
daemon scheduler "$BIN/kube-scheduler" --kubeconfig "$BASE/admin.kubeconfig" --bind-address 127.0.0.1 --secure-port 0 --port 0 --leader-elect=false
for i in $(seq "$NODES"); do
  pick_port "KUBELET$i" "1025$i"; port=KUBELET$i
  daemon "hollow-$i" "$BIN/kubemark" --morph=kubelet --name="hollow-$i" --kubeconfig="$BASE/node.kubeconfig" \
    --kubelet-port="${!port}" --kubelet-read-only-port=0 --v=1
done
for i in $(seq "$NODES"); do
  node="https://127.0.0.1:$KUBE/api/v1/nodes/hollow-$i"
  wait_for 120 "hollow-$i" api_answers "/api/v1/nodes/hollow-$i" KubeletReady || die "hollow-$i: $(tail -5 "$BASE/log/hollow-$i.log")"
  api -f -o /dev/null -X PATCH -H 'content-type: application/merge-patch+json' "$node" \
    -d "{\"metadata\":{\"labels\":{\"topology.kubernetes.io/zone\":\"zone-$i\",\"nvidia.com/gpu.product\":\"NVIDIA-L4\"}}}" || die "labels of hollow-$i"
  api -f -o /dev/null -X PATCH -H 'content-type: application/merge-patch+json' "$node/status" \
    -d '{"status":{"capacity":{"nvidia.com/gpu":"2"},"allocatable":{"nvidia.com/gpu":"2"}}}' || die "GPUs of hollow-$i"
done
log "kubernetes is up, $(rss_mb) MB"
echo "export KUBE_URL=https://127.0.0.1:$KUBE KUBE_PKI=$BASE/pki"
