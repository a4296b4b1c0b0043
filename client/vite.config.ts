import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Three pages: the SPA (`/`), and the applications `/workstation/` and `/slides/`, which also run in a render node's kiosk. */
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
        slides: `${import.meta.dirname}/slides/index.html`,
      },
    },
  },
  worker: {
    format: 'es',
    rolldownOptions: {
      output: {
        // The microscopy package starts its decoder by this name, in a folder that it is told.
        entryFileNames: ({ name }) =>
          name === 'slide-decoder'
            ? 'assets/slides-[hash]/dataLoader.worker.min.js'
            : 'assets/[name]-[hash].js',
      },
    },
  },
});
