// Runs before the page is painted, so that a remembered theme, or large type, does not appear with a delay.
try {
  const theme = localStorage.getItem("mnistlab-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // There is no storage, as in a private window: the system's preference decides.
}
if (new URLSearchParams(location.search).has("present")) document.documentElement.dataset.present = "";
