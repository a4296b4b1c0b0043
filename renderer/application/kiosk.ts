import { inside } from './sandbox.ts';

export type KioskOptions = {
  readonly chromium: string;
  /** Which page of our own. */
  readonly page: 'workstation' | 'slides';
  readonly studyInstanceUID: string;
  readonly rendering: 'cpu' | 'webgl';
  readonly widthPx: number;
  readonly heightPx: number;
  /** Chromium's own sandbox needs user namespaces. */
  readonly hasBrowserSandbox: boolean;
  readonly hasGpu: boolean;
};

/** Services that a kiosk on a closed network must not call, and offers that it must not make. */
const disabledFeatures = [
  'Translate',
  'MediaRouter',
  'OptimizationHints',
  'InterestFeedContentSuggestions',
  'GlobalMediaControls',
];

/** The command that shows one page, and nothing else, on the whole display. */
export function kioskCommand(options: KioskOptions): [string, ...string[]] {
  const query = new URLSearchParams({
    study: options.studyInstanceUID,
    mode: 'streamed',
    rendering: options.rendering,
  });
  return [
    options.chromium,
    '--kiosk',
    `--app=${inside.origin}/${options.page}/?${query.toString()}`,
    `--user-data-dir=${inside.home}/chromium`,
    `--window-size=${options.widthPx},${options.heightPx}`,
    ...['--window-position=0,0', '--force-device-scale-factor=1', '--force-color-profile=srgb'],
    ...['--no-first-run', '--no-default-browser-check', '--noerrdialogs', '--hide-crash-restore-bubble'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'],
    ...['--disable-extensions', '--disable-default-apps', '--disable-breakpad', '--disable-crash-reporter'],
    ...['--disable-pinch', '--overscroll-history-navigation=0', '--password-store=basic'],
    ...['--no-pings', '--metrics-recording-only', `--disable-features=${disabledFeatures.join(',')}`],
    // A window that nobody sees on a screen is still the one that is streamed.
    ...['--disable-backgrounding-occluded-windows', '--disable-renderer-backgrounding'],
    // Mesa's llvmpipe without a GPU: twice as fast as Chromium's SwiftShader.
    ...['--use-gl=angle', '--use-angle=gl', '--ignore-gpu-blocklist'],
    // Without a GPU the window itself is put together faster by the processor (65 against 81 ms from wheel to picture).
    ...(options.hasGpu ? [] : ['--disable-gpu-compositing']),
    ...(options.hasBrowserSandbox ? [] : ['--no-sandbox']),
  ];
}

/** Chromium's managed policy: this origin only, no developer tools, no files in or out. */
export const kioskPolicy = {
  URLBlocklist: ['*'],
  URLAllowlist: [inside.origin],
  DeveloperToolsAvailability: 2,
  DownloadRestrictions: 3,
  AllowFileSelectionDialogs: false,
  PrintingEnabled: false,
  IncognitoModeAvailability: 1,
  BrowserSignin: 0,
  SyncDisabled: true,
  PasswordManagerEnabled: false,
  AutofillAddressEnabled: false,
  AutofillCreditCardEnabled: false,
  TranslateEnabled: false,
  MetricsReportingEnabled: false,
  ComponentUpdatesEnabled: false,
  DefaultNotificationsSetting: 2,
  DefaultGeolocationSetting: 2,
  AudioCaptureAllowed: false,
  VideoCaptureAllowed: false,
  ScreenCaptureAllowed: false,
  ExtensionInstallBlocklist: ['*'],
} as const;
