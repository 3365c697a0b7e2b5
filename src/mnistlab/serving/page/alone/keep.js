// Asks the browser to keep the page for use offline, and says so if it does not.

import { isAlone, words } from "../i18n.js";

/** Calls `say` with a sentence if the page will need a connection the next time, too. */
export function keepForOffline(say) {
  if (!isAlone) return;
  const refused = () => say(words("offlineRefused"));
  if (!("serviceWorker" in navigator)) refused();
  else navigator.serviceWorker.register("offline.js").catch(refused);
}
