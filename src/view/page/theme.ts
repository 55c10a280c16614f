// Light or dark: as the machine likes it, until somebody chooses.

import { h } from "./dom.ts";

/** Follows the machine; `toggle` chooses the other for this page. */
export function startTheme(): { readonly button: HTMLElement; toggle(): void } {
  const wish = matchMedia("(prefers-color-scheme: dark)");
  let chosen: "light" | "dark" | undefined;
  const button = h("button", { class: "plain", title: "light or dark (t)", click: () => toggle() });
  const show = () => {
    const theme = chosen ?? (wish.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "☀" : "☾";
    button.setAttribute("aria-label", theme === "dark" ? "light colours" : "dark colours");
  };
  const toggle = () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    show();
  };
  wish.addEventListener("change", show);
  show();
  return { button, toggle };
}
