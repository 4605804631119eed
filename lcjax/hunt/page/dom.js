/** Making elements without a library: text is always text, never markup. */

/**
 * @param {string} name
 * @param {Object<string, any>} [attributes] `class`, `on<event>` and properties
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  set(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((c) => /** @type {Node|string} */ (c)));
  return element;
}

/**
 * @param {string} name
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string)} children
 * @returns {any}
 */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  if (name === "text") element.setAttribute("font-size", "14");
  set(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Object<string, any>} attributes */
function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    const said = key.startsWith("aria-") || key.startsWith("data-");  // these say "false" as well
    if (value === null || value === undefined || (value === false && !said)) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true && !said ? "" : String(value));
  }
}

/** @param {string} id @returns {any} */
export const at = (id) => document.getElementById(id);

/** @param {number|null|undefined} value @param {number} [digits] */
export const shown = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));

/** @param {number} mjd UTC, minutes */
export const date = (mjd) => new Date((mjd - 40587) * 86400000).toISOString().slice(0, 16).replace("T", " ");
