// Shows one panel at a time.

export const tabs = [...document.querySelectorAll("[role=tab]")];

export const openPanel = () => document.body.dataset.panel;

/** Opens a panel by its name, such as "inside"; `opened` is then called with the name. */
export function openTab(name) {
  document.body.dataset.panel = name;
  for (const tab of tabs) {
    const selected = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
  }
  opened(name);
}

let opened = () => {};

/** Calls `listener` with the name of each panel that is opened. */
export function whenOpened(listener) {
  opened = listener;
}

for (const tab of tabs) tab.addEventListener("click", () => openTab(tab.id.slice("tab-".length)));

document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const here = tabs.indexOf(event.target);
  const next = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const tab = tabs[(next + tabs.length) % tabs.length];
  tab.focus();
  tab.click();
});
