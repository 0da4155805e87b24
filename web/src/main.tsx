/** Entry point of the page: theme, app, session, views. */

import { render } from "preact";
import { startApp } from "./model/page/app";
import { applyTheme } from "./model/page/theme";
import { restoreLongHash } from "./model/session/provider_login";
import { resume } from "./model/session/session";
import { followSessionEnd } from "./model/session/session_end";
import "./style.css";
import "./timeline.css";
import { App } from "./views/App";

applyTheme();
restoreLongHash();
startApp();
followSessionEnd();
void resume();
render(<App />, document.getElementById("app") as HTMLElement);
