// The icon of the panel in JupyterLab's side bar.

import { LabIcon } from "@jupyterlab/ui-components";

export const icon = new LabIcon({
  name: "jupyter-auth:key",
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
    <path class="jp-icon3 jp-icon-selectable" fill="#616161" d="M12.65 10a6 6 0 1 0 0 4H17v4h4v-4h2v-4zM7 14a2 2 0 1 1 0-4 2 2 0 0 1 0 4z"/>
  </svg>`
});
