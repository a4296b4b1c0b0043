import type { NodeRegistry } from '../node/index.ts';
import type { GuestData } from '../provision/guest/index.ts';
import type { Provisioning } from '../provision/index.ts';
import type { Sessions } from '../session/index.ts';
import { agreementBackend, type AgreementDeps } from './backends/agreements.ts';
import { mixinsOfTemplates } from './backends/agreement-terms.ts';
import {
  agreementLinkBackend,
  applicationBackend,
  componentBackend,
  componentLinkBackend,
  manifestMixins,
  type ApplicationDeps,
} from './backends/applications.ts';
import { gifts, has } from './backends/choose.ts';
import { computeBackend } from './backends/compute.ts';
import { networkBackend, networkInterfaceBackend } from './backends/network.ts';
import { renderNodeBackend, storageNodeBackend } from './backends/nodes.ts';
import { createOffers } from './backends/offers.ts';
import { pacsBackend } from './backends/pacs.ts';
import { roomBackend, sessionBackend } from './backends/sessions.ts';
import { snapshotBackend } from './backends/snapshots.ts';
import { storageBackend, storageLinkBackend } from './backends/storage.ts';
import type { OcciStore } from './backend.ts';
import {
  agreementTemplateMixin,
  agreementTermMixin,
  applicationTemplateMixin,
  gpuMixin,
  ipNetworkInterfaceMixin,
  ipNetworkMixin,
  osTemplateMixin,
  providerMixin,
  resourceTemplateMixin,
  serviceMixin,
  wsAgreementMixin,
} from './model/index.ts';
import type { Root } from './place.ts';
import { createOcciServer, type OcciServer } from './server.ts';

export type OcciDeps = AgreementDeps &
  Omit<ApplicationDeps, 'offers'> & {
    readonly root: Root;
    readonly provisioning: Provisioning;
    readonly nodes: Pick<NodeRegistry, 'view' | 'views'>;
    readonly sessions: Pick<Sessions, 'launch' | 'close' | 'getFor' | 'listFor' | 'view'>;
    /** AE titles. */
    readonly senders: () => Promise<readonly string[]>;
    readonly guests: GuestData;
    readonly store: OcciStore;
    readonly now: () => number;
    /** A name for what was created without one. */
    readonly newId: () => string;
    readonly report: (error: unknown) => void;
  };

/** What the broker offers by OCCI. Kinds without a backend are not published. */
export function openOcci(deps: OcciDeps): OcciServer {
  const offers = createOffers(deps);
  const resources = { ...deps, offers };
  return createOcciServer({
    ...{ root: deps.root, store: deps.store },
    backends: [
      computeBackend(resources),
      networkBackend(resources),
      storageBackend(resources),
      snapshotBackend(resources),
      networkInterfaceBackend(resources),
      storageLinkBackend(resources),
      renderNodeBackend(resources),
      storageNodeBackend(resources),
      sessionBackend(deps),
      roomBackend(deps),
      pacsBackend(deps),
      agreementBackend(deps),
      agreementLinkBackend(resources),
      applicationBackend(resources),
      componentBackend(resources),
      componentLinkBackend(resources),
    ],
    async mixins() {
      const known = await offers();
      // A mixin that no provider can do anything with is not there.
      const isTaken = ({ capability }: (typeof gifts)[number]): boolean =>
        known.some(({ provider }) => has(provider, capability));
      const templates = known.flatMap(({ images, sizes }) => [...images, ...sizes]);
      return [
        ...[osTemplateMixin, resourceTemplateMixin, ipNetworkMixin, ipNetworkInterfaceMixin],
        ...[gpuMixin, providerMixin, serviceMixin, wsAgreementMixin],
        ...gifts.filter(isTaken).map(({ mixin }) => mixin),
        ...[agreementTemplateMixin, agreementTermMixin, applicationTemplateMixin],
        ...templates.map(({ mixin }) => mixin),
        ...mixinsOfTemplates(await deps.agreements.templates()),
        ...manifestMixins(deps.manifests),
      ];
    },
  });
}
