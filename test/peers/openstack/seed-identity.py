#!/usr/bin/python3
"""Service users, catalogue and a demo project (idempotent).  Called by up.sh."""
import os
from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneclient.v3 import client

url, pw, only = os.environ["KEYSTONE_URL"], os.environ["PASSWORD"], os.environ["ONLY"].split(",")
port = dict(line.strip().split("=") for line in open(os.path.join(os.environ["BASE"], "ports")) if "=" in line)
ks = client.Client(session=session.Session(auth=v3.Password(
    auth_url=url + "/v3", username="admin", password=pw, project_name="admin",
    user_domain_id="default", project_domain_id="default")))


def ensure(items, name, make):
    return next((i for i in items if i.name == name), None) or make()


projects, users, roles, services = ks.projects.list(), ks.users.list(), ks.roles.list(), ks.services.list()
service = ensure(projects, "service", lambda: ks.projects.create("service", "default"))
demo = ensure(projects, "demo", lambda: ks.projects.create("demo", "default"))
role = {r.name: r for r in roles}
for extra in ("service",):
    if extra not in role:
        role[extra] = ks.roles.create(extra)
admin = next(u for u in users if u.name == "admin")


def user(name, project, *names):
    u = ensure(users, name, lambda: ks.users.create(name, domain="default", password=pw))
    for n in names:
        ks.roles.grant(role[n], user=u, project=project)
    return u


SERVICES = {  # service user: (name, type, url)
    "placement": ("placement", "placement", "http://127.0.0.1:%s", "PLACEMENT"),
    "glance": ("glance", "image", "http://127.0.0.1:%s", "GLANCE"),
    "nova": ("nova", "compute", "http://127.0.0.1:%s/v2.1", "NOVA"),
    "neutron": ("neutron", "network", "http://127.0.0.1:%s", "NEUTRON"),
    "cinder": ("cinderv3", "volumev3", "http://127.0.0.1:%s/v3/%%(project_id)s", "CINDER"),
    "ironic": ("ironic", "baremetal", "http://127.0.0.1:%s", "IRONIC"),
}
endpoints = ks.endpoints.list()
for name, (svc, kind, template, key) in SERVICES.items():
    if name not in only:
        continue
    user(name, service, "admin", "service")
    s = ensure(services, svc, lambda: ks.services.create(svc, type=kind, description=""))
    target = template % port[key]
    for interface in ("public", "internal", "admin"):
        e = next((e for e in endpoints if e.service_id == s.id and e.interface == interface), None)
        if e is None:
            ks.endpoints.create(s, target, interface=interface, region="RegionOne")
        elif e.url != target:
            ks.endpoints.update(e, url=target)
user("demo", demo, "member")
ks.roles.grant(role["admin"], user=admin, project=demo)
