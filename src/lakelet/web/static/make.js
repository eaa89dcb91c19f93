// Elements, made; nothing of data is ever read as HTML.
export function make(tag, props = {}, ...inside) {
  const one = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) one.addEventListener(name.slice(2), value);
    else if (name === "class") one.className = value;
    else if (name === "value") one.value = value;
    else one.setAttribute(name, value === true ? "" : value);
  }
  one.append(...inside.filter((part) => part !== null && part !== undefined));
  return one;
}
