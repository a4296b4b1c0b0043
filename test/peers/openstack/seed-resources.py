#!/usr/bin/python3
"""Flavors, a tiny image, networks, security group rules (idempotent).  Called by up.sh."""
import io
import os
import time
import openstack

only = os.environ["ONLY"].split(",")
c = openstack.connect(cloud="admin")
demo = openstack.connect(cloud="demo")
if "glance" in only and not c.image.find_image("tiny"):
    # the fake hypervisor never reads it: 1 MiB of zeros is image enough
    c.create_image("tiny", data=io.BytesIO(b"\0" * 2**20), disk_format="raw", container_format="bare",
                   visibility="public", wait=True, min_disk=1)
if "nova" in only:
    def flavor(name, ram, vcpus, disk, **specs):
        f = c.compute.find_flavor(name)
        if not f:
            f = c.compute.create_flavor(name=name, ram=ram, vcpus=vcpus, disk=disk)
        if specs:  # also of one that an earlier try made and did not finish
            c.compute.create_flavor_extra_specs(f, {k.replace("__", ":"): v for k, v in specs.items()})
    flavor("m1.tiny", 512, 1, 1)
    flavor("m1.small", 2048, 1, 20)
    flavor("g1.gpu", 16384, 8, 40, resources__CUSTOM_GPU_A100="1", trait__CUSTOM_NVENC="required")
    flavor("bm.gpu", 16384, 8, 40, resources__CUSTOM_BAREMETAL_GPU="1", resources__VCPU="0",
           resources__MEMORY_MB="0", resources__DISK_GB="0")
    for _ in range(150):  # scheduler's periodic discovers the compute host
        if any(h.state == "up" for h in c.compute.services(binary="nova-compute")) and list(c.compute.hypervisors()):
            break
        time.sleep(.4)
if "neutron" in only:
    ext = c.network.find_network("public") or c.network.create_network(
        name="public", is_router_external=True, provider_network_type="flat", provider_physical_network="public")
    if not c.network.find_subnet("public-subnet"):
        c.network.create_subnet(name="public-subnet", network_id=ext.id, ip_version=4, cidr="198.51.100.0/24",
                                gateway_ip="198.51.100.1", is_dhcp_enabled=False)
    net = demo.network.find_network("private") or demo.network.create_network(name="private")
    sub = demo.network.find_subnet("private-subnet") or demo.network.create_subnet(
        name="private-subnet", network_id=net.id, ip_version=4, cidr="10.77.0.0/24")
    if not demo.network.find_router("router1"):
        r = demo.network.create_router(name="router1", external_gateway_info={"network_id": ext.id})
        demo.network.add_interface_to_router(r, subnet_id=sub.id)
if "ironic" in only and not list(c.baremetal.nodes()):
    for i in (1, 2):
        n = c.baremetal.create_node(name="bm-%d" % i, driver="fake-hardware", resource_class="baremetal-gpu",
                                    properties={"cpus": 64, "memory_mb": 524288, "local_gb": 2000, "cpu_arch": "x86_64"})
        c.baremetal.create_port(node_id=n.id, address="52:54:00:00:00:%02x" % i)
        c.baremetal.set_node_provision_state(n, "manage", wait=True)
        c.baremetal.set_node_provision_state(n, "provide", wait=True)
        c.baremetal.set_node_power_state(n, "power off", wait=True)  # Nova skips nodes of unknown power state
