// What the plugins cost at JupyterLab's start, as the bench reads it.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";

/** The plugin; how long its start took is written down where the browser's tools show it. */
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
