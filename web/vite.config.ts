import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// A server to develop against: TIDEGATE_URL=http://127.0.0.1:8080 npm run dev
const server = process.env.TIDEGATE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true },
      '/hls': { target: server, changeOrigin: true },
    },
  },
  build: {
    target: 'es2022',
    // Nothing is inlined as data: or blob:, so that a strict content security policy holds.
    assetsInlineLimit: 0,
    // The player comes alone and only when a picture is asked for.
    chunkSizeWarningLimit: 700,
  },
  test: {
    include: ['tests/unit/**/*.test.ts'],
    environment: 'node',
  },
});
