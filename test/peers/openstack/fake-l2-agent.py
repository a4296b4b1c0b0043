#!/usr/bin/python3
"""Reports one ML2 agent per fake compute host to neutron-server, over the real
agent RPC, so that the packaged 'fake_agent' mechanism driver binds ports there.
Called by up.sh; hosts: $FAKE_HOSTS (default 'fake-host-1')."""
import os
import sys
from neutron.common import config
from neutron.agent import rpc as agent_rpc
from neutron.conf.agent import common as agent_conf
from neutron_lib import constants, context
from neutron_lib.agent import topics
from oslo_config import cfg

config.register_common_config_options()
agent_conf.register_agent_state_opts_helper(cfg.CONF)
config.init(sys.argv[1:])
api = agent_rpc.PluginReportStateAPI(topics.REPORTS)
for host in os.environ.get("FAKE_HOSTS", "fake-host-1").split(","):
    state = {
        "binary": "fake-agent", "host": host, "topic": constants.L2_AGENT_TOPIC,
        "agent_type": constants.AGENT_TYPE_OFA, "start_flag": True,
        "configurations": {"tunnel_types": ["vxlan"], "tunneling_ip": "127.0.0.1",
                           "interface_mappings": {"public": "none", "physnet1": "none"}},
    }
    print(host, api.report_state(context.get_admin_context_without_session(), state, use_call=True))
