import type { Host } from './backend.ts';
import type { Journal } from './journal.ts';
import { setSysctl } from './links.ts';
import { familyOf } from './rules.ts';

/** Puts floating addresses that are in use on the uplink, takes the others off it, and tells the neighbours. */
export async function placeAddresses({ run, links, settings }: Host, journal: Journal): Promise<void> {
  const { uplink } = settings;
  if (uplink === null) return;
  const present = await links.addresses(uplink);
  for (const { address, assignedTo, isRemoving } of journal.addresses) {
    const withLength = `${address}/${familyOf(address) === 6 ? 128 : 32}`;
    const isThere = present.includes(withLength);
    if (isRemoving || assignedTo === null) {
      if (isThere) await links.batch([`address delete ${withLength} dev ${uplink}`]);
      continue;
    }
    if (isThere) continue;
    if (familyOf(address) === 6) {
      // The kernel then sends an unsolicited neighbour advertisement (RFC 4861 section 7.2.6) for each new address.
      await setSysctl(`ipv6/conf/${uplink}/ndisc_notify`, '1');
      await links.batch([`address add ${withLength} dev ${uplink} nodad`]);
    } else {
      await links.batch([`address add ${withLength} dev ${uplink}`]);
      // Gratuitous ARP (RFC 5227 section 3); without arping(8) neighbours find out when their entries age.
      await run('arping', ['-U', '-c', '1', '-w', '1', '-I', uplink, address]).catch(() => undefined);
    }
  }
}
