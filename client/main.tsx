import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import { Notifications } from '@mantine/notifications';
import '@mantine/notifications/styles.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { z } from 'zod';
import { Api, loadPublicConfig } from './core/api.ts';
import { Login } from './core/login.ts';
import { Realtime } from './core/realtime.ts';
import { reportFault } from './core/report.ts';
import { StartFailedPage, StartingPage } from './features/sso/index.ts';
import { router } from './routes.tsx';
import { ServicesProvider, type Services } from './ui/services.tsx';
import './ui/theme.css';

// A Content-Security-Policy without 'unsafe-eval' forbids compiled parsers.
z.config({ jitless: true });

const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false } } });
const root = createRoot(rootElement());

show(<StartingPage />);
startServices().then(
  (services) =>
    show(
      <ServicesProvider services={services}>
        <RouterProvider router={router} />
      </ServicesProvider>,
    ),
  (error: unknown) => {
    reportFault(error);
    show(<StartFailedPage />);
  },
);

async function startServices(): Promise<Services> {
  const config = await loadPublicConfig();
  const login = await Login.start(config);
  const realtime = new Realtime('/client', login.accessToken);
  login.onRenewed((token) => {
    if (realtime.state.get() === 'online') realtime.renewIdentity(token).catch(reportFault);
  });
  return { config, login, api: new Api(login.accessToken), realtime, launches: new Map() };
}

function show(page: ReactNode): void {
  root.render(
    // Variables and classes come from the bundled style sheets: no style tag is made at run time.
    <MantineProvider
      theme={{ primaryColor: 'teal' }}
      forceColorScheme="dark"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queries}>
        {page}
        <Notifications position="bottom-right" />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

function rootElement(): HTMLElement {
  const element = document.getElementById('root');
  if (!element) throw new Error('The page has no #root');
  return element;
}
