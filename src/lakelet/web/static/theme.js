// Before anything is drawn: the theme the person chose, else the one the system asks for.
const dark = matchMedia("(prefers-color-scheme: dark)");
function apply() {
  const chosen = localStorage.getItem("lakelet-theme");
  document.documentElement.dataset.theme = chosen ?? (dark.matches ? "dark" : "light");
}
apply();
dark.addEventListener("change", apply);
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-switch]")) return;
  const now = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("lakelet-theme", now);
  apply();
});
