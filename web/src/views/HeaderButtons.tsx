/** The buttons that the headers of the screen and of the admin page share. */

import { switchTheme, theme } from "../model/page/theme";
import { accountOpen } from "../model/session/account";
import { logout, user } from "../model/session/session";

export function ThemeButton() {
  return (
    <button type="button" onClick={switchTheme} aria-label="Switch between dark and light">
      {theme.value === "dark" ? "Light" : "Dark"}
    </button>
  );
}

/** The user's name, which opens the account, and the way out. */
export function SessionButtons() {
  return (
    <>
      <button type="button" onClick={() => (accountOpen.value = true)} title="Your account" data-testid="account-open">
        {user.value}
      </button>
      <button type="button" onClick={() => logout()} data-testid="logout">
        Log out
      </button>
    </>
  );
}
