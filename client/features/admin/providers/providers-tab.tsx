import { Button, Group, Text } from '@mantine/core';
import type { ProviderView } from '@medusa/protocol';
import { IconPlus, IconServerBolt } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { Notice } from '../../../ui/notice.tsx';
import { Loaded } from '../provision/loaded.tsx';
import { useProviders } from '../provision/use-provision.ts';
import { CatalogBrowser } from './catalog-browser.tsx';
import { ProviderCard } from './provider-card.tsx';
import { ProviderForm } from './provider-form.tsx';

const text = strings.provision.providers;

/** Where machines come from. */
export function ProvidersTab(): ReactNode {
  const providers = useProviders();
  const [edited, setEdited] = useState<ProviderView | 'new' | null>(null);
  const [browsed, setBrowsed] = useState<ProviderView | null>(null);
  return (
    <Loaded query={providers}>
      {(loaded) => (
        <>
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {text.lead}
            </Text>
            <Button
              size="xs"
              leftSection={<IconPlus size={15} />}
              onClick={() => setEdited('new')}
              data-testid="provider-add"
            >
              {text.add}
            </Button>
          </Group>
          {loaded.length === 0 ? (
            <Notice icon={<IconServerBolt size={40} stroke={1.3} />} title={text.empty}>
              {text.emptyHelp}
            </Notice>
          ) : (
            <div className="admin-cards">
              {loaded.map((provider) => (
                <ProviderCard
                  key={provider.id}
                  provider={provider}
                  edit={() => setEdited(provider)}
                  browse={() => setBrowsed(provider)}
                />
              ))}
            </div>
          )}
          {edited && <ProviderForm provider={edited} close={() => setEdited(null)} />}
          {browsed && <CatalogBrowser provider={browsed} close={() => setBrowsed(null)} />}
        </>
      )}
    </Loaded>
  );
}
