# databases.sh - MariaDB on a private unix socket, the services' schemas, and the cache of both. Sourced by up.sh.
# MariaDB, because Neutron's migrations are not known to run on SQLite.

socket() { echo "$BASE/mysql-run/mysql.sock"; }
sql() { mariadb --no-defaults -uroot -S "$(socket)" "$@"; }
database() { echo "mysql+pymysql://root@localhost/$1?unix_socket=$(socket)&charset=utf8"; }

run_mariadb() {
  daemon mysql mariadbd --no-defaults --user=mysql --datadir="$BASE/mysql" --socket="$(socket)" \
    --pid-file="$BASE/mysql-run/mysql.pid" --skip-networking --max-connections=1000 \
    --innodb-buffer-pool-size=256M --innodb-log-file-size=64M --innodb-flush-log-at-trx-commit=0 \
    --innodb-doublewrite=0 --innodb-flush-method=nosync --performance-schema=0 \
    --character-set-server=utf8mb3 --collation-server=utf8mb3_general_ci
}

start_mariadb() {
  alive mysql && return 0
  if [ ! -d "$BASE/mysql/mysql" ]; then
    if [ -s "$TEMPLATE" ]; then
      log "databases from $TEMPLATE"
      tar -C "$BASE" --zstd -xf "$TEMPLATE" || die "the template $TEMPLATE is broken: remove it"
    else
      mkdir -p "$BASE/mysql"
      mariadb-install-db --no-defaults --datadir="$BASE/mysql" --user=mysql --skip-test-db \
        --auth-root-authentication-method=normal >"$BASE/log/mysql-install.log" 2>&1 || die "mariadb-install-db"
    fi
  fi
  chown -R mysql: "$BASE/mysql" "$BASE/mysql-run"
  run_mariadb
}

# The marks lie with the data, so that they are in the template too.
is_migrated() { [ -e "$BASE/mysql/.done-$1" ]; }
migrate() { # migrate SERVICE DATABASES COMMAND...
  local service=$1 databases=$2 name
  shift 2
  is_migrated "$service" && return 0
  for name in $databases; do sql -e "create database if not exists $name character set utf8mb3"; done
  log "schema of $service"
  "$@" >>"$BASE/log/schema-$service.log" 2>&1 && touch "$BASE/mysql/.done-$service"
}
keystone_manage() { keystone-manage --config-file "$BASE/etc/keystone/keystone.conf" "$@"; }
nova_manage() { nova-manage --config-file "$BASE/etc/nova/nova.conf" "$@"; }
migrate_nova() {
  nova_manage api_db sync &&
    nova_manage cell_v2 map_cell0 --database_connection "$(database nova_cell0)" &&
    nova_manage db sync &&
    { nova_manage cell_v2 list_cells | grep -q cell1 || nova_manage cell_v2 create_cell --name cell1; }
}

make_schemas() {
  local service first second isComplete=1
  if [ ! -s "$BASE/state/keystone/fernet/0" ]; then
    keystone_manage fernet_setup --keystone-user root --keystone-group root >>"$BASE/log/schema-keystone.log" 2>&1
    keystone_manage credential_setup --keystone-user root --keystone-group root >>"$BASE/log/schema-keystone.log" 2>&1
  fi
  for service in ${ONLY//,/ }; do is_migrated "$service" || isComplete=0; done
  [ $isComplete = 1 ] && return 0
  # Two at a time: Neutron alone takes as long as most of the others together.
  (
    has neutron && migrate neutron neutron neutron-db-manage --config-file "$BASE/etc/neutron/neutron.conf" upgrade heads
    has glance && migrate glance glance glance-manage --config-file "$BASE/etc/glance/glance-api.conf" db_sync
  ) & first=$!
  (
    migrate keystone keystone keystone_manage db_sync
    has nova && migrate nova "nova_api nova nova_cell0" migrate_nova
    has placement && migrate placement placement env OS_PLACEMENT_CONFIG_DIR="$BASE/etc/placement" placement-manage \
      --config-file "$BASE/etc/placement/placement.conf" db sync
    has cinder && migrate cinder cinder cinder-manage --config-file "$BASE/etc/cinder/cinder.conf" db sync
    has ironic && migrate ironic ironic ironic-dbsync --config-file "$BASE/etc/ironic/ironic.conf"
  ) & second=$!
  wait $first $second
  for service in ${ONLY//,/ }; do
    is_migrated "$service" || die "schema of $service: $BASE/log/schema-$service.log"
  done
  write_template
}

# Only a complete set of schemas is worth keeping. Renamed into place: two starts at once do not spoil it.
write_template() {
  [ "$TEMPLATE" = none ] || [ -s "$TEMPLATE" ] && return 0
  [ "$ONLY" = keystone,placement,glance,nova,neutron,cinder,ironic ] || return 0
  mkdir -p "$(dirname "$TEMPLATE")"
  stop_daemon mysql
  tar -C "$BASE" --zstd -cf "$TEMPLATE.$$" mysql && mv "$TEMPLATE.$$" "$TEMPLATE" && log "template written: $TEMPLATE"
  run_mariadb
  wait_for 90 mariadb sql -e 'select 1' || die "MariaDB did not start again: $BASE/log/mysql.log"
}

# The template knows other ports than this start.
point_cells_here() {
  sql -e "update nova_api.cell_mappings set transport_url='$(rabbit_url)', database_connection='$(database nova)' where name='cell1';
          update nova_api.cell_mappings set database_connection='$(database nova_cell0)' where name='cell0';"
}
