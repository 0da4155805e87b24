/** The warning before the session ends, and the dialog that begins another one. */

import { useEffect, useState } from "preact/hooks";
import { keepLongHash, loadLoginProvider, loginProvider, providerPath } from "../model/session/provider_login";
import { user } from "../model/session/session";
import { dismissSessionEnd, isEndUrgent, isLoggingInAgain, logInAgain, sessionEndText } from "../model/session/session_end";
import { useScreenModal } from "./modal";

export function SessionEnd() {
  if (sessionEndText.value === "") return null;
  return (
    <p class={`note-card ${isEndUrgent.value ? "warn" : ""}`} data-testid="session-end">
      {sessionEndText.value}
      <span class="note-ways">
        <button type="button" data-testid="session-again" onClick={() => (isLoggingInAgain.value = true)}>
          Log in again
        </button>
        {!isEndUrgent.value && (
          <button type="button" onClick={dismissSessionEnd}>
            Later
          </button>
        )}
      </span>
    </p>
  );
}

export function LoginAgain() {
  return isLoggingInAgain.value ? <Dialog /> : null;
}

function Dialog() {
  const close = () => (isLoggingInAgain.value = false);
  const modal = useScreenModal(close);
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  useEffect(() => void loadLoginProvider(), []);
  const provider = loginProvider.value;
  const submit = (event: Event) => {
    event.preventDefault();
    logInAgain(password).catch((failure: Error) => setError(failure.message));
  };
  return (
    <dialog {...modal} class="confirm" aria-labelledby="again-title" data-testid="login-again">
      <h2 id="again-title">Log in again as {user.value}</h2>
      <form class="password-form" onSubmit={submit}>
        <label>
          Password
          <input
            type="password"
            autocomplete="current-password"
            required
            autofocus
            data-testid="again-password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <p class="error" role="alert">
          {error}
        </p>
        <div class="confirm-buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          {provider !== undefined && (
            <a class="button" href={providerPath(provider)} onClick={keepLongHash}>
              Log in with {provider.name}
            </a>
          )}
          <button type="submit" class="primary" data-testid="again-submit">
            Log in
          </button>
        </div>
      </form>
    </dialog>
  );
}
