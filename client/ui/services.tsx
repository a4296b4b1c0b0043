import type { LaunchResponse, SessionId } from '@medusa/protocol';
import { createContext, use, type ReactNode } from 'react';
import type { Api } from '../core/api.ts';
import type { Login } from '../core/login.ts';
import type { PublicConfig } from '../core/public-config.ts';
import type { Realtime } from '../core/realtime.ts';

/** A launch made by this page: what only the one who launched knows. */
export type Launch = { readonly response: LaunchResponse; readonly requestedAt: number };

/** What `main.tsx` wires and every feature may use. */
export type Services = {
  readonly config: PublicConfig;
  readonly login: Login;
  readonly api: Api;
  readonly realtime: Realtime;
  readonly launches: Map<SessionId, Launch>;
};

const ServicesContext = createContext<Services | undefined>(undefined);

export function ServicesProvider(props: { services: Services; children: ReactNode }): ReactNode {
  return <ServicesContext value={props.services}>{props.children}</ServicesContext>;
}

export function useServices(): Services {
  const services = use(ServicesContext);
  if (!services) throw new Error('There are no services above this component');
  return services;
}
