/** NOVA in the browser. */

import { render } from "preact";
import { begin } from "./model/screen";
import { resume } from "./model/session";
import { keepTheme } from "./model/theme";
import "./style.css";
import "./timeline.css";
import { App } from "./views/App";

keepTheme();
begin();
resume();
render(<App />, document.getElementById("app") as HTMLElement);
