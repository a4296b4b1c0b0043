import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Two pages: the SPA (`/`) and the workstation application (`/workstation/`), which also runs in a render node's kiosk. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: { alias: { xmlbuilder2: `${import.meta.dirname}/workstation/without-xml.ts` } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    chunkSizeWarningLimit: 4_000,
    rolldownOptions: {
      input: {
        main: `${import.meta.dirname}/index.html`,
        workstation: `${import.meta.dirname}/workstation/index.html`,
      },
    },
  },
  worker: { format: 'es' },
});
