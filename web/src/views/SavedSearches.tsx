/** The searches that the user has saved: run, delete, and save those that were started. */

import { useEffect, useRef, useState } from "preact/hooks";
import { deleteSaved, NAME_MAX_CHARS, runSaved, savedSearches, saveSearches } from "../model/search/saved_searches";
import { specText } from "../model/search/search_spec";

export function SavedSearches() {
  const [isOpen, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!place.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, []);
  return (
    <div class="menu-place" ref={place}>
      <button type="button" aria-expanded={isOpen} data-testid="search-saved" onClick={() => setOpen(!isOpen)}>
        Saved
      </button>
      {isOpen && <Saved close={() => setOpen(false)} />}
    </div>
  );
}

function Saved({ close }: { close: () => void }) {
  const all = savedSearches.value;
  return (
    <div class="menu search-saved" role="group" aria-label="Saved searches">
      {all.length === 0 && <p class="muted">Nothing is saved yet.</p>}
      <ul>
        {all.map(({ name, specs }) => (
          <li key={name} data-testid="saved-search">
            <button
              type="button"
              class="link"
              title={specs.map(specText).join("\n")}
              onClick={() => {
                runSaved(name);
                close();
              }}
            >
              {name}
            </button>
            <button type="button" class="icon" aria-label={`Delete the saved search ${name}`} onClick={() => deleteSaved(name)}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <SaveForm />
      <p class="muted">They are kept in this browser, for you alone.</p>
    </div>
  );
}

function SaveForm() {
  const [name, setName] = useState("");
  const [fault, setFault] = useState("");
  const save = (event: Event) => {
    event.preventDefault();
    const why = saveSearches(name) ?? "";
    setFault(why);
    if (why === "") setName("");
  };
  return (
    <form class="search-row" onSubmit={save}>
      <input
        class="wide"
        placeholder="Name"
        aria-label="Name to save the search under"
        maxLength={NAME_MAX_CHARS}
        data-testid="save-name"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit" data-testid="save-search">
        Save
      </button>
      {fault !== "" && (
        <p class="search-fault" role="alert">
          {fault}
        </p>
      )}
    </form>
  );
}
