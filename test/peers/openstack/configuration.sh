# configuration.sh - the configuration files of every service, below $BASE/etc. Sourced by up.sh.
# oslo.config merges sections that come twice: `common` opens [DEFAULT], and each service adds to it.

rabbit_url() { echo "rabbit://guest:guest@127.0.0.1:$RABBIT/"; }

write_rabbit_configuration() {
  mkdir -p "$BASE/rabbit/home"
  echo '[].' >"$BASE/rabbit/enabled_plugins"
  cat >"$BASE/rabbit/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$RABBIT
log.console = true
log.console.level = warning
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
END
  # A node, an epmd and a cookie of its own.
  export RABBITMQ_NODENAME=medusa$RABBIT@localhost RABBITMQ_MNESIA_BASE=$BASE/rabbit/mnesia \
    RABBITMQ_LOG_BASE=$BASE/rabbit/log RABBITMQ_LOGS=- RABBITMQ_CONFIG_FILE=$BASE/rabbit/rabbitmq.conf \
    RABBITMQ_ENABLED_PLUGINS_FILE=$BASE/rabbit/enabled_plugins RABBITMQ_DIST_PORT=$RABBIT_DIST \
    ERL_EPMD_PORT=$EPMD ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_PID_FILE=$BASE/rabbit/pid \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
}

credentials() { # credentials SERVICE : how that service logs in itself
  cat <<END
auth_type = password
auth_url = $KEYSTONE_URL/v3
username = $1
password = $PASSWORD
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
END
}

token_checks() { # token_checks SERVICE : how it checks the tokens of others
  cat <<END
[keystone_authtoken]
www_authenticate_uri = $KEYSTONE_URL
service_token_roles_required = true
memcached_servers = 127.0.0.1:$MEMCACHED
token_cache_time = 10
$(credentials "$1")
END
}

common() { # common SERVICE
  cat <<END
[DEFAULT]
transport_url = $(rabbit_url)
state_path = $BASE/state/$1
use_stderr = true
debug = ${DEBUG:-false}
my_ip = 127.0.0.1
[oslo_concurrency]
lock_path = $BASE/state/$1/lock
[oslo_messaging_notifications]
driver = noop
[oslo_messaging_rabbit]
heartbeat_in_pthread = false
[oslo_policy]
policy_dirs = $BASE/etc/$1/policy.d
END
}

write_configurations() {
  local service
  for service in keystone placement glance nova neutron cinder ironic; do
    mkdir -p "$BASE/etc/$service/policy.d" "$BASE/state/$service/lock"
  done
  mkdir -p "$BASE"/state/glance/{images,tasks,staging} "$BASE"/state/ironic/{images,httpboot} "$BASE/state/cinder/coordination"
  keystone_configuration >"$BASE/etc/keystone/keystone.conf"
  placement_configuration >"$BASE/etc/placement/placement.conf"
  glance_configuration >"$BASE/etc/glance/glance-api.conf"
  nova_configuration fake-host-1 "$COMPUTE_DRIVER" >"$BASE/etc/nova/nova.conf"
  nova_configuration ironic-host ironic.IronicDriver >"$BASE/etc/nova/nova-ironic.conf"
  gpu_inventory >"$BASE/etc/nova/providers-fake-host-1/gpu.yaml"
  neutron_configuration >"$BASE/etc/neutron/neutron.conf"
  cinder_configuration >"$BASE/etc/cinder/cinder.conf"
  ironic_configuration >"$BASE/etc/ironic/ironic.conf"
}

# The cache: without it each check of a token costs some 200 SQL queries. `memory_pickle`, because plain `memory` hands out
# the cached object itself, which Keystone then edits. Hashing is cheap on purpose.
keystone_configuration() {
  cat <<END
[DEFAULT]
use_stderr = true
debug = ${DEBUG:-false}
public_endpoint = $KEYSTONE_URL/
[database]
connection = $(database keystone)
[token]
provider = fernet
[fernet_tokens]
key_repository = $BASE/state/keystone/fernet
[credential]
key_repository = $BASE/state/keystone/credential
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory_pickle
[oslo_policy]
policy_dirs = $BASE/etc/keystone/policy.d
END
}

placement_configuration() {
  cat <<END
[DEFAULT]
use_stderr = true
[api]
auth_strategy = keystone
[placement_database]
connection = $(database placement)
[oslo_policy]
policy_dirs = $BASE/etc/placement/policy.d
$(token_checks placement)
END
}

glance_configuration() {
  common glance
  cat <<END
[DEFAULT]
bind_host = 127.0.0.1
bind_port = $GLANCE
workers = 0
enabled_backends = fs:file
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = $BASE/state/glance/images
[os_glance_tasks_store]
filesystem_store_datadir = $BASE/state/glance/tasks
[os_glance_staging_store]
filesystem_store_datadir = $BASE/state/glance/staging
[database]
connection = $(database glance)
[paste_deploy]
flavor = keystone
config_file = /usr/share/glance-common/glance-api-paste.ini
$(token_checks glance)
END
}

nova_configuration() { # nova_configuration HOST DRIVER
  mkdir -p "$BASE/state/nova/instances-$1" "$BASE/etc/nova/providers-$1"
  common nova
  cat <<END
[DEFAULT]
host = $1
compute_driver = $2
instances_path = $BASE/state/nova/instances-$1
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = $NOVA
osapi_compute_workers = 1
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
allow_resize_to_same_host = true
update_resources_interval = 10
service_down_time = 180
rpc_response_timeout = 120
[api]
auth_strategy = keystone
[wsgi]
api_paste_config = /usr/share/nova-common/api-paste.ini
[api_database]
connection = $(database nova_api)
[database]
connection = $(database nova)
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 3
[quota]
instances = 200
cores = 400
ram = 4000000
[vnc]
enabled = true
novncproxy_base_url = http://127.0.0.1:6080/vnc_auto.html
[compute]
provider_config_location = $BASE/etc/nova/providers-$1
[service_user]
send_service_user_token = true
$(credentials nova)
[placement]
$(credentials placement)
[neutron]
$(credentials neutron)
[cinder]
catalog_info = volumev3::publicURL
$(credentials cinder)
[glance]
$(credentials glance)
api_servers = http://127.0.0.1:$GLANCE
[ironic]
$(credentials ironic)
api_max_retries = 30
api_retry_interval = 1
$(token_checks nova)
END
}

# Four pretended GPUs, known to the real Placement: the flavor g1.gpu asks for one and for the trait.
gpu_inventory() {
  cat <<'END'
meta: {schema_version: '1.0'}
providers:
  - identification: {uuid: $COMPUTE_NODE}
    inventories:
      additional:
        - CUSTOM_GPU_A100: {total: 4, reserved: 0, min_unit: 1, max_unit: 4, step_size: 1, allocation_ratio: 1.0}
    traits:
      additional: [CUSTOM_NVENC]
END
}

# fake_agent ships with Neutron: it binds ports on hosts whose agent has reported once (fake-l2-agent.py) and moves no packet.
neutron_configuration() {
  common neutron
  cat <<END
[DEFAULT]
bind_host = 127.0.0.1
bind_port = $NEUTRON
core_plugin = ml2
service_plugins = router
auth_strategy = keystone
api_workers = 1
rpc_workers = 1
rpc_state_report_workers = 0
api_paste_config = /usr/share/neutron-common/api-paste.ini
dhcp_agent_notification = false
agent_down_time = 2000000
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = true
[database]
connection = $(database neutron)
[nova]
$(credentials nova)
[placement]
$(credentials placement)
[quotas]
quota_port = 5000
[ml2]
type_drivers = local,flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = logger,fake_agent
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = physnet1:100:199
[ml2_type_vxlan]
vni_ranges = 1:4000
[securitygroup]
enable_security_group = true
$(token_checks neutron)
END
}

# The volume driver ships with Cinder: each of its calls is logged, and no byte is stored.
cinder_configuration() {
  common cinder
  cat <<END
[DEFAULT]
osapi_volume_listen = 127.0.0.1
osapi_volume_listen_port = $CINDER
osapi_volume_workers = 1
auth_strategy = keystone
api_paste_config = /usr/share/cinder-common/api-paste.ini
enabled_backends = fake
default_volume_type = __DEFAULT__
host = fake-storage
image_volume_cache_enabled = false
rootwrap_config = /etc/cinder/rootwrap.conf
[fake]
volume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver
volume_backend_name = fake
target_helper = fake
[database]
connection = $(database cinder)
[coordination]
backend_url = file://$BASE/state/cinder/coordination
[nova]
$(credentials nova)
[service_user]
send_service_user_token = true
$(credentials cinder)
$(token_checks cinder)
END
}

# One process for API and conductor. Machines are cleaned between tenants, as they must be where patients' data was.
ironic_configuration() {
  common ironic
  cat <<END
[DEFAULT]
auth_strategy = keystone
host = ironic-conductor
rpc_transport = none
enabled_hardware_types = fake-hardware
enabled_bios_interfaces = fake,no-bios
enabled_boot_interfaces = fake
enabled_console_interfaces = fake,no-console
enabled_deploy_interfaces = fake
enabled_inspect_interfaces = fake,no-inspect
enabled_management_interfaces = fake
enabled_network_interfaces = noop
enabled_power_interfaces = fake
enabled_raid_interfaces = fake,no-raid
enabled_rescue_interfaces = fake,no-rescue
enabled_storage_interfaces = noop
enabled_vendor_interfaces = fake,no-vendor
default_deploy_interface = fake
default_network_interface = noop
tempdir = $BASE/state/ironic
minimum_memory_warning_only = true
[api]
host_ip = 127.0.0.1
port = $IRONIC
public_endpoint = http://127.0.0.1:$IRONIC
[conductor]
automated_clean = true
sync_power_state_interval = 30
workers_pool_size = 20
[database]
connection = $(database ironic)
[service_catalog]
$(credentials ironic)
[glance]
$(credentials ironic)
[neutron]
$(credentials ironic)
[swift]
$(credentials ironic)
[nova]
$(credentials ironic)
[pxe]
images_path = $BASE/state/ironic/images
[deploy]
http_root = $BASE/state/ironic/httpboot
$(token_checks ironic)
END
}

# Debian's own wrappers lie in packages with init scripts; these do not.
make_launchers() {
  local pair
  for pair in nova-api:nova.cmd.api nova-scheduler:nova.cmd.scheduler nova-conductor:nova.cmd.conductor \
    nova-compute:nova.cmd.compute glance-api:glance.cmd.api cinder-api:cinder.cmd.api \
    cinder-scheduler:cinder.cmd.scheduler cinder-volume:cinder.cmd.volume; do
    printf '#!/usr/bin/python3\nimport sys\nfrom %s import main\nsys.exit(main())\n' "${pair#*:}" >"$BASE/bin/${pair%:*}"
    chmod +x "$BASE/bin/${pair%:*}"
  done
  ln -sf /usr/bin/neutron-server "$BASE/bin/neutron-server"
  ln -sf /usr/bin/ironic "$BASE/bin/ironic"
}

write_clouds() {
  local name
  {
    echo 'clouds:'
    for name in admin demo; do
      cat <<END
  $name:
    region_name: RegionOne
    auth: {auth_url: "$KEYSTONE_URL/v3", username: $name, password: $PASSWORD, project_name: $name, user_domain_name: Default, project_domain_name: Default}
END
    done
  } >"$BASE/clouds.yaml"
}
