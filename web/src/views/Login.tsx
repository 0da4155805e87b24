/** The login form. */

import { useEffect, useState } from "preact/hooks";
import { keepLongHash, loadLoginProvider, loginProvider, providerError, providerPath } from "../model/session/provider_login";
import { login, notice } from "../model/session/session";

export function Login() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => void loadLoginProvider(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      await login(name, password);
    } catch (failure) {
      setError((failure as Error).message);
      setBusy(false);
    }
  };

  return (
    <main class="login">
      <form onSubmit={submit}>
        <img src="/icon.svg" alt="" width="56" height="56" />
        <h1>NOVA</h1>
        <p class="muted">Time-indexed truth</p>
        <label>
          User
          <input
            data-testid="login-username"
            autocomplete="username"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
            required
            autofocus
          />
        </label>
        <label>
          Password
          <input
            data-testid="login-password"
            type="password"
            autocomplete="current-password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
            required
          />
        </label>
        <button class="primary" type="submit" aria-disabled={busy} data-testid="login-submit">
          {busy ? "Logging in…" : "Log in"}
        </button>
        <ProviderLink />
        <p class="error" role="alert" data-testid="login-error">
          {error || notice.value || providerError.value}
        </p>
      </form>
    </main>
  );
}

/** The way to a provider of logins, if the edge has one. */
function ProviderLink() {
  const provider = loginProvider.value;
  if (provider === undefined) return null;
  return (
    <a
      class="button provider"
      href={providerPath(provider)}
      // The moment on the timeline may have changed since.
      onClick={(event) => {
        event.currentTarget.href = providerPath(provider);
        keepLongHash();
      }}
      data-testid="login-provider"
    >
      Log in with {provider.name}
    </a>
  );
}
