import type { RequestHandler } from 'express';

const permissions = [
  'accelerometer=()',
  'camera=()',
  'display-capture=()',
  'geolocation=()',
  'gyroscope=()',
  'microphone=()',
  'payment=()',
  'usb=()',
  'clipboard-read=(self)',
  'clipboard-write=(self)',
  'fullscreen=(self)',
].join(', ');

/**
 * What a page of ours may do. The workstation compiles codecs to WebAssembly and starts workers from blobs;
 * component styles are set at run time. Nothing comes from elsewhere but the login at the OIDC issuer.
 */
export function securityHeaders(issuerOrigin: string | undefined): RequestHandler {
  const issuer = issuerOrigin === undefined ? '' : ` ${issuerOrigin}`;
  const pagePolicy = [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self' data:",
    `connect-src 'self' wss: blob: data:${issuer}`,
    `frame-src 'self'${issuer}`,
    "frame-ancestors 'self'",
    `form-action 'self'${issuer}`,
    "base-uri 'none'",
    "object-src 'none'",
  ].join('; ');
  // The provider adds the hash of its own script where it posts a form by itself.
  const loginPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'";

  return (req, res, next) => {
    res.set({
      'content-security-policy': req.path.startsWith('/realms/') ? loginPolicy : pagePolicy,
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'permissions-policy': permissions,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    next();
  };
}
