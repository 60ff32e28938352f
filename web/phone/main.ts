import { createApp } from "vue";

import App from "./App.vue";
import { i18n, show } from "./language";
import "./style.css";

show();
createApp(App).use(i18n).mount("#app");

if (window.isSecureContext && "serviceWorker" in navigator) {
  // Without it the app works all the same, only not from a start without network
  navigator.serviceWorker.register("/sw.js").catch(() => undefined);
}
