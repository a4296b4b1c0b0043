/**
 * Both nodes got the session's key from the broker, and neither has a certificate that the other one could check: TLS with a pre-shared
 * key (RFC 4279) and an ephemeral exchange (RFC 5489), so that a key that is found later opens nothing that was said before.
 * Node offers pre-shared keys up to TLS 1.2.
 */
export const secretTls = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;
