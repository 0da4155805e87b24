/** NOVA in the browser. */

import { render } from "preact";
import { startApp } from "./model/app";
import { resume } from "./model/session";
import { applyTheme } from "./model/theme";
import "./style.css";
import "./timeline.css";
import { App } from "./views/App";

applyTheme();
startApp();
resume();
render(<App />, document.getElementById("app") as HTMLElement);
