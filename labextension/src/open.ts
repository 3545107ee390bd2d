// Opens pages of the Jupyter server.

/** A new tab without an opener, as a click on a link opens it. */
export function openTab(href: string): void {
  const link = document.createElement("a");
  Object.assign(link, { href, target: "_blank", rel: "noopener" });
  link.click();
}
