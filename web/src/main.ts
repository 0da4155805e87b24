/** Entry point: the session begins while the page is still being loaded. */

import { connections, keepStatus, resume } from "./model/session/session";

connections.subscribe(keepStatus);
void resume();
void import("./page");
