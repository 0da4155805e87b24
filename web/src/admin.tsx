/** Entry point of the admin page: theme, models, session, views. */

import { render } from "preact";
import { startAdminPage } from "./model/admin/admin_page";
import { applyTheme } from "./model/page/theme";
import { resume } from "./model/session/session";
import { followSessionEnd } from "./model/session/session_end";
import "./style.css";
import "./admin.css";
import { AdminPage } from "./views/admin/AdminPage";

applyTheme();
startAdminPage();
followSessionEnd();
void resume();
render(<AdminPage />, document.getElementById("app") as HTMLElement);
