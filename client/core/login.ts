import { roleSchema, type Role } from '@medusa/protocol';
import Keycloak from 'keycloak-js';
import { reportFault } from './report.ts';
import { Store } from './store.ts';
import type { PublicConfig } from './public-config.ts';

export type LoginState = {
  /** `expired`: the login could not be renewed. What is on screen stays; the user logs in again when it suits. */
  readonly kind: 'logged-in' | 'expired';
  /** As the broker knows the user; '' when the issuer does not tell. */
  readonly userId: string;
  readonly name: string;
  readonly roles: readonly Role[];
};

/** Renewed this long before it runs out, so that clock differences and a slow network do no harm. */
const renewalMarginSeconds = 60;
const wantedPathKey = 'medusa.wanted-path';

/**
 * The login at the OIDC issuer. Tokens live in memory only: a reload asks the issuer again, whose own
 * session cookie answers without a form.
 */
export class Login {
  readonly state: Store<LoginState>;
  readonly #keycloak: Keycloak;
  readonly #renewalListeners = new Set<(token: string) => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(keycloak: Keycloak) {
    this.#keycloak = keycloak;
    this.state = new Store<LoginState>(describe(keycloak, 'logged-in'));
    this.#scheduleRenewal();
  }

  /** Answers once somebody is logged in; otherwise the page leaves for the issuer's form and comes back. */
  static async start(config: PublicConfig): Promise<Login> {
    const keycloak = new Keycloak({ url: config.issuerUrl, realm: config.realm, clientId: config.clientId });
    // One redirect address for all pages: issuers compare it letter by letter. Where the user wanted to go is kept here.
    if (!hasAuthorisationResponse()) sessionStorage.setItem(wantedPathKey, currentPath());
    await keycloak.init({
      onLoad: 'login-required',
      pkceMethod: 'S256',
      checkLoginIframe: false,
      scope: 'openid profile offline_access',
      redirectUri: `${location.origin}/`,
    });
    restoreWantedPath();
    return new Login(keycloak);
  }

  /** A token valid for a while yet. */
  readonly accessToken = async (): Promise<string> => {
    await this.#renew(20);
    return this.#keycloak.token ?? '';
  };

  onRenewed(listener: (token: string) => void): Disposable {
    this.#renewalListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#renewalListeners.delete(listener) };
  }

  readonly logOut = async (): Promise<void> => {
    sessionStorage.removeItem(wantedPathKey);
    await this.#keycloak.logout({ redirectUri: `${location.origin}/` });
  };

  readonly logInAgain = async (): Promise<void> => {
    sessionStorage.setItem(wantedPathKey, currentPath());
    await this.#keycloak.login({ redirectUri: `${location.origin}/` });
  };

  async #renew(minimumSeconds: number): Promise<void> {
    try {
      const isNew = await this.#keycloak.updateToken(minimumSeconds);
      if (!isNew) return;
    } catch {
      // keycloak-js forgets its tokens when the issuer refuses to renew, and keeps them when the network fails.
      if (this.#keycloak.token === undefined)
        this.state.update((state) => ({ ...state, kind: 'expired' as const }));
      return;
    }
    this.state.set(describe(this.#keycloak, 'logged-in'));
    for (const listener of [...this.#renewalListeners]) listener(this.#keycloak.token ?? '');
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#timer);
    if (this.#keycloak.token === undefined) return;
    const expiresAt = (this.#keycloak.tokenParsed?.exp ?? 0) + (this.#keycloak.timeSkew ?? 0);
    const waitMs = Math.max(10_000, (expiresAt - renewalMarginSeconds) * 1_000 - Date.now());
    this.#timer = setTimeout(() => {
      this.#renew(renewalMarginSeconds + 10)
        .catch(reportFault)
        .finally(() => this.#scheduleRenewal());
    }, waitMs);
  }
}

function describe(keycloak: Keycloak, kind: LoginState['kind']): LoginState {
  const claims = { ...keycloak.tokenParsed, ...keycloak.idTokenParsed } as Record<string, unknown>;
  const name = [claims['name'], claims['preferred_username'], claims['sub']].find(
    (claim): claim is string => typeof claim === 'string' && claim !== '',
  );
  const roles = (keycloak.realmAccess?.roles ?? []).flatMap((role) => roleSchema.safeParse(role).data ?? []);
  return { kind, userId: keycloak.subject ?? '', name: name ?? '', roles };
}

function hasAuthorisationResponse(): boolean {
  const parameters = new URLSearchParams(location.hash.slice(1));
  return parameters.has('state') && (parameters.has('code') || parameters.has('error'));
}

function currentPath(): string {
  return `${location.pathname}${location.search}`;
}

function restoreWantedPath(): void {
  const wanted = sessionStorage.getItem(wantedPathKey);
  sessionStorage.removeItem(wantedPathKey);
  if (wanted !== null && wanted.startsWith('/') && !wanted.startsWith('//'))
    history.replaceState(null, '', wanted);
}
