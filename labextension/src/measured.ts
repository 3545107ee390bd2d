// How long each plugin takes to activate, for the benchmark.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";

/** The plugin, which records a performance measure when it activates. */
export function measured<T>(plugin: JupyterFrontEndPlugin<T>): JupyterFrontEndPlugin<T> {
  const activate = (app: JupyterFrontEnd, ...args: unknown[]): T | Promise<T> => {
    const start = performance.now();
    try {
      return plugin.activate(app, ...args);
    } finally {
      performance.measure(plugin.id, { start });
    }
  };
  return { ...plugin, activate };
}
