/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  plugins: [react()],
  build: {
    // The built page travels inside the Python package.
    outDir: "../genet/web/static",
    emptyOutDir: true,
    // React and the component library are one chunk of 200 kB gzipped; the library of the API reference is the
    // largest, and only that page loads it.
    chunkSizeWarningLimit: 1800,
    rollupOptions: {
      input: ["index.html", "api-docs.html"],
      output: {
        // What changes with every release apart from what seldom does, so that browsers keep the latter.
        manualChunks: (id: string) => {
          if (id.includes("xterm")) {
            return "terminal";
          }
          if (id.includes("swagger-ui")) {
            return "reference";
          }
          return id.includes("node_modules") ? "vendor" : undefined;
        },
      },
    },
  },
  server: {
    // `npm run dev` beside a running `genet demo`.
    proxy: { "/api": "http://localhost:8080" },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
