#!/bin/bash
# up.sh - a real OpenStack (Debian 12 packages: Zed) on loopback for testing API clients: Keystone, Placement, Glance, Nova,
# Neutron, Cinder and Ironic, with the fake hypervisor, storage and hardware that ship with them. No systemd, no KVM.
#
#   --base DIR        state (default /var/tmp/medusa-openstack)
#   --free-ports      ports of the kernel's choice instead of the well-known ones
#   --only LIST       comma list out of keystone,placement,glance,nova,neutron,cinder,ironic
#   --nova-ironic     a second nova-compute with the Ironic virt driver (flavor bm.gpu)
#   --compute-driver  fake.FakeDriver (1000 vCPU, default) | fake.SmallFakeDriver (2 vCPU) | fake.FakeRescheduleDriver ...
#   --template FILE   cache of the migrated databases (default ~/.cache/medusa/openstack-template.tar.zst; `none`: no cache).
#                     Written after the first start (several minutes of migrations); later starts restore it.
#
# Running it again on the same base starts only what is not running. The last lines printed are `export NAME=value …`:
# an administrator's credentials (OS_*), those of the project `demo` (OS_DEMO_*), and every origin (OS_ORIGINS).
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../support/lib.sh"
. "$HERE/configuration.sh"
. "$HERE/databases.sh"

BASE=/var/tmp/medusa-openstack
ONLY=keystone,placement,glance,nova,neutron,cinder,ironic
FREE_PORTS=0
NOVA_IRONIC=0
COMPUTE_DRIVER=fake.FakeDriver
TEMPLATE=${HOME:-/root}/.cache/medusa/openstack-template.tar.zst
while [ $# -gt 0 ]; do
  case $1 in
    --base) BASE=$2; shift ;;
    --free-ports) FREE_PORTS=1 ;;
    --only) ONLY=$2; shift ;;
    --nova-ironic) NOVA_IRONIC=1 ;;
    --compute-driver) COMPUTE_DRIVER=$2; shift ;;
    --template) TEMPLATE=$2; shift ;;
    *) die "unknown option $1" ;;
  esac
  shift
done
has() { case ",$ONLY," in *",$1,"*) return 0 ;; esac; return 1; }

started=$(date +%s)
mkdir -p "$BASE"/{etc,run,log,bin,state,mysql-run}
chmod 755 "$BASE" # MariaDB runs as another user.
for name in MEMCACHED:35211 RABBIT:35672 RABBIT_DIST:35673 EPMD:34369 KEYSTONE:5000 PLACEMENT:8778 GLANCE:9292 \
  NOVA:8774 NEUTRON:9696 CINDER:8776 IRONIC:6385; do
  pick_port "${name%:*}" "${name#*:}"
done
PASSWORD=fixture-secret # One password for everybody: it listens on loopback and lives for one test.
KEYSTONE_URL=http://127.0.0.1:$KEYSTONE

# ---------------------------------------------------------------- what the services stand on
start_mariadb
write_rabbit_configuration
if ! alive rabbit; then
  daemon rabbit env HOME="$BASE/rabbit/home" bash -c \
    "epmd -address 127.0.0.1 -port $EPMD & exec /usr/lib/rabbitmq/bin/rabbitmq-server"
fi
daemon memcached memcached -u nobody -l 127.0.0.1 -p "$MEMCACHED" -m 64
wait_for 90 mariadb sql -e 'select 1' || die "MariaDB did not start: $BASE/log/mysql.log"
write_configurations
make_launchers
make_schemas
migrated=$(date +%s)

# ---------------------------------------------------------------- identity and placement (uwsgi)
keystone_manage bootstrap --bootstrap-password "$PASSWORD" --bootstrap-region-id RegionOne \
  --bootstrap-public-url "$KEYSTONE_URL/v3/" --bootstrap-internal-url "$KEYSTONE_URL/v3/" \
  --bootstrap-admin-url "$KEYSTONE_URL/v3/" >>"$BASE/log/schema-keystone.log" 2>&1 || die "keystone bootstrap"
wsgi() { # wsgi NAME PORT FILE ENVIRONMENT
  daemon "$1" env "$4" uwsgi --plugin python3 --http-socket "127.0.0.1:$2" --wsgi-file "$3" --processes 1 --threads 8 \
    --die-on-term --buffer-size 65535 --enable-threads --lazy-apps --need-app --add-header "Connection: close" --listen 100
}
wsgi keystone "$KEYSTONE" /usr/bin/keystone-wsgi-public "OS_KEYSTONE_CONFIG_FILES=$BASE/etc/keystone/keystone.conf"
has placement && wsgi placement "$PLACEMENT" /usr/bin/placement-api "OS_PLACEMENT_CONFIG_DIR=$BASE/etc/placement"
wait_for 120 keystone http_up "$KEYSTONE_URL/v3" || die "Keystone did not start: $BASE/log/keystone.log"
write_clouds
BASE=$BASE KEYSTONE_URL=$KEYSTONE_URL PASSWORD=$PASSWORD ONLY=$ONLY /usr/bin/python3 "$HERE/seed-identity.py" ||
  die "identity seed"

# ---------------------------------------------------------------- the other services
wait_for 120 rabbitmq bash -c "exec 3<>/dev/tcp/127.0.0.1/$RABBIT" || die "RabbitMQ did not start: $BASE/log/rabbit.log"
service() { # service DAEMON CONFIG-FILE
  daemon "$1" "$BASE/bin/$1" --config-file "$BASE/etc/$2"
}
has glance && service glance-api glance/glance-api.conf
has neutron && service neutron-server neutron/neutron.conf
if has nova; then
  point_cells_here
  service nova-conductor nova/nova.conf
  wait_for 90 placement http_up "http://127.0.0.1:$PLACEMENT/" || die "Placement did not start: $BASE/log/placement.log"
  service nova-api nova/nova.conf
  service nova-scheduler nova/nova.conf
  service nova-compute nova/nova.conf
fi
if has cinder; then for part in api scheduler volume; do service "cinder-$part" cinder/cinder.conf; done; fi
has ironic && service ironic ironic/ironic.conf
for pair in glance:$GLANCE neutron:$NEUTRON nova:$NOVA cinder:$CINDER ironic:$IRONIC; do
  if has "${pair%:*}"; then wait_for 240 "${pair%:*}" http_up "http://127.0.0.1:${pair#*:}/" || die "${pair%:*} did not start"; fi
done
if has ironic && [ "$NOVA_IRONIC" = 1 ]; then
  daemon nova-compute-ironic "$BASE/bin/nova-compute" --config-file "$BASE/etc/nova/nova-ironic.conf"
fi
if has neutron; then
  /usr/bin/python3 "$HERE/fake-l2-agent.py" --config-file "$BASE/etc/neutron/neutron.conf" >>"$BASE/log/l2-agent.log" 2>&1 ||
    die "report of the L2 agent: $BASE/log/l2-agent.log"
fi
served=$(date +%s)
OS_CLIENT_CONFIG_FILE=$BASE/clouds.yaml ONLY=$ONLY /usr/bin/python3 "$HERE/seed-resources.py" || die "resource seed"
log "schemas $((migrated - started)) s, services $((served - migrated)) s, seed $(($(date +%s) - served)) s, memory $(rss_mb) MB"

origins=$KEYSTONE_URL
for pair in placement:$PLACEMENT glance:$GLANCE nova:$NOVA neutron:$NEUTRON cinder:$CINDER ironic:$IRONIC; do
  has "${pair%:*}" && origins=$origins,http://127.0.0.1:${pair#*:}
done
cat <<END
export OS_AUTH_URL=$KEYSTONE_URL/v3 OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=RegionOne
export OS_USERNAME=admin OS_PASSWORD=$PASSWORD OS_PROJECT_NAME=admin OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default
export OS_DEMO_USERNAME=demo OS_DEMO_PASSWORD=$PASSWORD OS_DEMO_PROJECT_NAME=demo
export OS_CLIENT_CONFIG_FILE=$BASE/clouds.yaml
export OS_ORIGINS=$origins
END
