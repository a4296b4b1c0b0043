import { Button } from '@mantine/core';
import { sessionModeSchema, sessionPrioritySchema, uidSchema } from '@medusa/protocol';
import { createRootRoute, createRoute, createRouter, Link, Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { AdminPage, adminSearchSchema } from './features/admin/index.ts';
import { DeviceCheckPage } from './features/device-check/index.ts';
import { JoinPage } from './features/rooms/index.ts';
import { RecordingsPage } from './features/recordings/index.ts';
import { ReservationsPage } from './features/reservations/index.ts';
import { LaunchPage, ViewerPage } from './features/viewer/index.ts';
import { WorklistPage } from './features/worklist/index.ts';
import { strings } from './strings/en.ts';
import { Notice } from './ui/notice.tsx';

const openSearchSchema = z.object({
  study: uidSchema,
  application: z.string().default('workstation'),
  mode: sessionModeSchema.default('streamed'),
  priority: sessionPrioritySchema.optional().catch(undefined),
});
const deviceCheckSearchSchema = z.object({
  /** A path of this application; anything else is dropped, so that no link leads astray. */
  next: z
    .string()
    .regex(/^\/(?!\/)/)
    .optional()
    .catch(undefined),
});

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage });
const routes = [
  createRoute({ getParentRoute: () => rootRoute, path: '/', component: WorklistPage }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/open',
    component: LaunchPage,
    validateSearch: openSearchSchema,
    errorComponent: NotFoundPage,
  }),
  createRoute({ getParentRoute: () => rootRoute, path: '/sessions/$sessionId', component: ViewerPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/reservations', component: ReservationsPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/recordings', component: RecordingsPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/join/$code', component: JoinPage }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/device-check',
    component: DeviceCheckPage,
    validateSearch: deviceCheckSearchSchema,
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/admin',
    component: AdminPage,
    validateSearch: adminSearchSchema,
  }),
] as const;

/** All pages of the application and their addresses. */
export const router = createRouter({ routeTree: rootRoute.addChildren(routes) });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function NotFoundPage(): ReactNode {
  return (
    <Notice
      title={strings.common.notFound}
      actions={
        <div>
          <Button component={Link} to="/">
            {strings.common.back}
          </Button>
        </div>
      }
    />
  );
}
