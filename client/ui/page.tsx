import { Alert, Button, Group, Text } from '@mantine/core';
import { IconCloudOff, IconLogout } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { strings } from '../strings/en.ts';
import { useServices } from './services.tsx';
import { useStore } from './use-store.ts';

/** The frame of all pages but the viewer: who one is, where one can go. */
export function Page({ children }: { children: ReactNode }): ReactNode {
  const { login, realtime } = useServices();
  const { name, roles } = useStore(login.state);
  const link = useStore(realtime.state);
  return (
    <div className="medusa-page">
      <header className="medusa-header">
        <Link to="/" className="medusa-brand">
          <img src="/favicon.svg" alt="" width={26} height={26} />
          {strings.product}
        </Link>
        <nav className="medusa-nav" aria-label={strings.product}>
          <Link to="/">{strings.header.worklist}</Link>
          <Link to="/reservations">{strings.header.reservations}</Link>
          <Link to="/recordings">{strings.header.recordings}</Link>
          <Link to="/device-check">{strings.header.deviceCheck}</Link>
          {roles.includes('admin') && <Link to="/admin">{strings.header.admin}</Link>}
        </nav>
        <Group gap="sm" wrap="nowrap">
          <div>
            <Text size="sm" lh={1.2} ta="right" data-testid="user-name">
              {name}
            </Text>
            <Text size="xs" c="dimmed" lh={1.2} ta="right" data-testid="user-role">
              {roles.map((role) => strings.roles[role]).join(', ')}
            </Text>
          </div>
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            leftSection={<IconLogout size={16} />}
            onClick={() => void login.logOut()}
            data-testid="log-out"
          >
            {strings.header.logOut}
          </Button>
        </Group>
      </header>
      <main className="medusa-main">
        <LoginNotice />
        <div aria-live="polite">
          {link === 'offline' && (
            <Alert
              color="yellow"
              variant="light"
              mb="md"
              icon={<IconCloudOff />}
              data-testid="offline-notice"
            >
              {strings.common.offline}
            </Alert>
          )}
        </div>
        {children}
      </main>
    </div>
  );
}

/** Shown while the login has run out; nothing on screen is lost by it. */
export function LoginNotice(): ReactNode {
  const { login } = useServices();
  if (useStore(login.state).kind !== 'expired') return null;
  return (
    <Alert color="orange" variant="light" mb="md" data-testid="login-expired">
      <Group justify="space-between">
        <Text size="sm">{strings.header.expired}</Text>
        <Button size="xs" onClick={() => void login.logInAgain()}>
          {strings.header.logInAgain}
        </Button>
      </Group>
    </Alert>
  );
}
