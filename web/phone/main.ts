import { createApp } from "vue";

import App from "./App.vue";
import { start } from "./app";
import { i18n, show } from "./language";
import { follow } from "./route";
import "vant/es/style/base.css";
import "vant/es/button/index.css";
import "vant/es/loading/index.css";
import "./style.css";

show();
follow();
window.addEventListener("hashchange", follow);
createApp(App).use(i18n).mount("#app");

// On an insecure address nothing is taken: the app says so and does nothing else
if (window.isSecureContext) {
  void start();
  // Without it the app works all the same, only not from a start without network
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => undefined);
}
