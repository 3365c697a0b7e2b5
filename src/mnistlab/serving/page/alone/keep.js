// Lets the browser keep the page for the time without a network, and says where it does not.

import { isAlone, words } from "../i18n.js";

/** Calls `say` with a sentence where the page will need the network the next time, too. */
export function keepForOffline(say) {
  if (!isAlone) return;
  const refused = () => say(words("offlineRefused"));
  if (!("serviceWorker" in navigator)) refused();
  else navigator.serviceWorker.register("offline.js").catch(refused);
}
