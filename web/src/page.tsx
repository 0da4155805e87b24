/** The page behind its entry point: theme, models, views. */

import { render } from "preact";
import { startApp } from "./model/page/app";
import { startFirstView } from "./model/page/first_view";
import { applyTheme } from "./model/page/theme";
import { restoreLongHash } from "./model/session/provider_login";
import { followSessionEnd } from "./model/session/session_end";
import "./style.css";
import { App } from "./views/App";

applyTheme();
restoreLongHash();
startFirstView(location.hash);
startApp();
followSessionEnd();
render(<App />, document.getElementById("app") as HTMLElement);
