import { Badge, Drawer, Group, Stack, Table, Tabs, Text, TextInput } from '@mantine/core';
import type { ProviderCatalog, ProviderView } from '@medusa/protocol';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { Loaded } from '../provision/loaded.tsx';
import { useCatalog } from '../provision/use-provision.ts';

const text = strings.provision.providers;
const unknown = strings.common.unknown;

/** What a provider offers, to look through. */
export function CatalogBrowser({
  provider,
  close,
}: {
  provider: ProviderView;
  close: () => void;
}): ReactNode {
  const catalog = useCatalog(provider.id);
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="xl"
      title={`${text.catalog}: ${provider.title}`}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <div data-testid="catalog">
        <Loaded query={catalog}>{(loaded) => <Parts catalog={loaded} />}</Loaded>
      </div>
    </Drawer>
  );
}

function Parts({ catalog }: { catalog: ProviderCatalog }): ReactNode {
  const [search, setSearch] = useState('');
  const has = (...words: (string | null)[]): boolean =>
    words.some((word) => word?.toLowerCase().includes(search.toLowerCase()) === true);
  const sizes = catalog.sizes.filter(({ id, name, gpu }) => has(id, name, gpu?.model ?? null));
  const images = catalog.images.filter(({ id, name }) => has(id, name));
  const tabs = [
    ['sizes', text.sizes, catalog.sizes.length],
    ['images', text.images, catalog.images.length],
    ['zones', text.zones, catalog.zones.length],
    ['networks', text.networks, catalog.networks.length],
    ['volumeTypes', text.volumeTypes, catalog.volumeTypes.length],
  ] as const;
  return (
    <Stack gap="sm">
      <TextInput
        size="xs"
        placeholder={text.search}
        aria-label={text.search}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <Tabs defaultValue="sizes" keepMounted={false}>
        <Tabs.List>
          {tabs.map(([value, label, count]) => (
            <Tabs.Tab key={value} value={value}>
              {label} ({count})
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="sizes" pt="sm">
          <Rows
            columns={[
              text.size,
              text.cpus,
              text.memory,
              text.disk,
              text.gpu,
              text.encoder,
              text.architecture,
            ]}
            rows={sizes.map((size) => [
              <Named key="name" id={size.id} name={size.name} />,
              size.cpus,
              `${(size.memoryMiB / 1_024).toFixed(1)} GiB`,
              size.diskGiB === null ? unknown : `${size.diskGiB} GiB`,
              size.gpu ? `${size.gpu.count} × ${size.gpu.model}` : unknown,
              size.encoder ?? unknown,
              size.architecture ?? unknown,
            ])}
          />
        </Tabs.Panel>
        <Tabs.Panel value="images" pt="sm">
          <Rows
            columns={[text.images, text.architecture]}
            rows={images.map((image) => [
              <Named key="name" id={image.id} name={image.name} />,
              image.architecture ?? unknown,
            ])}
          />
        </Tabs.Panel>
        <Tabs.Panel value="zones" pt="sm">
          <Rows
            columns={[text.zones]}
            rows={catalog.zones.filter((zone) => has(zone)).map((zone) => [zone])}
          />
        </Tabs.Panel>
        <Tabs.Panel value="networks" pt="sm">
          <Rows
            columns={[text.networks, '']}
            rows={catalog.networks
              .filter(({ id, name }) => has(id, name))
              .map((network) => [
                <Named key="name" id={network.id} name={network.name} />,
                network.isExternal && (
                  <Badge key="external" size="sm" radius="sm" variant="light" miw="max-content">
                    {text.external}
                  </Badge>
                ),
              ])}
          />
        </Tabs.Panel>
        <Tabs.Panel value="volumeTypes" pt="sm">
          <Rows
            columns={[text.volumeTypes]}
            rows={catalog.volumeTypes.filter((type) => has(type)).map((type) => [type])}
          />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Named({ id, name }: { id: string; name: string }): ReactNode {
  return (
    <Group gap={6}>
      {name}
      {id !== name && (
        <Text size="xs" c="dimmed" className="admin-object">
          {id}
        </Text>
      )}
    </Group>
  );
}

const mostShown = 200;

function Rows({ columns, rows }: { columns: readonly string[]; rows: readonly ReactNode[][] }): ReactNode {
  if (rows.length === 0)
    return (
      <Text c="dimmed" size="sm">
        {text.none}
      </Text>
    );
  return (
    <>
      <Table verticalSpacing={4} fz="sm">
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column}>{column}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody className="medusa-numeric">
          {rows.slice(0, mostShown).map((cells, row) => (
            <Table.Tr key={row}>
              {cells.map((cell, column) => (
                <Table.Td key={columns[column]}>{cell}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rows.length > mostShown && (
        <Text size="xs" c="dimmed" pt="xs">
          {strings.provision.more(rows.length - mostShown)}
        </Text>
      )}
    </>
  );
}
