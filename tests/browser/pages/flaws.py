"""What a page does wrong, found by scripts in it."""

# What of the page sticks out to the side, and what text has too little contrast (WCAG 2.2, 1.4.3:
# 4.5 to 1). Colours are drawn to a canvas: a browser tells them in many notations.
FLAWS = """() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colors) => {
    pixel.clearRect(0, 0, 1, 1);
    for (const color of colors) { pixel.fillStyle = color; pixel.fillRect(0, 0, 1, 1); }
    return pixel.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
    const c = rgb[index] / 255;
    return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const flaws = [];
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) flaws.push(`${width} pixels wide`);
  for (const node of document.querySelectorAll("header *, main *, footer")) {
    const own = [...node.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own.length || !node.checkVisibility() || node.disabled) continue;
    const behind = ["white"];
    for (let up = node; up; up = up.parentElement) {
      behind.splice(1, 0, getComputedStyle(up).backgroundColor);
    }
    const [text, ground] = [over([...behind, getComputedStyle(node).color]), over(behind)];
    const [a, b] = [luminance(text), luminance(ground)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) flaws.push(`${own[0].textContent.trim()}: contrast ${contrast.toFixed(1)}`);
  }
  return flaws;
}"""
# What it does not say: whose page it is, what is sent where, in its title what has happened.
UNSAID = """() => {
  const says = (...selectors) =>
    selectors.map((each) => document.querySelector(each)).find(Boolean)?.textContent.trim() ?? "";
  const happened = says("#said", "#trouble:not([hidden]) p", "h1");
  return [
    [says("header").endsWith(location.host), says("header")],
    [says("footer") || !document.querySelector("form"), "a form without a line of trust"],
    [document.title.startsWith(happened.slice(0, 9)), document.title],
  ].flatMap(([is, what]) => (is ? [] : [what]));
}"""
