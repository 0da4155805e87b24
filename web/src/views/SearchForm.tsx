/** The form of a search: by a condition of a field, or by a text. */

import { formFault, searchKind, sources, submitForm, text, toggleSource } from "../model/search/search_form";
import { SOURCES, TEXT_MAX_CHARS, type TextSource } from "../model/search/search_spec";
import { newestFirst, SEARCH_SPANS, searchAgain, type SearchSpan, searches, searchSpan } from "../model/search/searches";
import { FieldInputs } from "./SearchField";

export function SearchForm() {
  const submit = (event: Event) => {
    event.preventDefault();
    submitForm(false);
  };
  return (
    <form class="search-form" onSubmit={submit} data-testid="search-form">
      {searchKind.value === "field" ? <FieldInputs /> : <TextInputs />}
      <div class="search-row">
        <Span />
        <button type="submit" class="primary" data-testid="search-start">
          Search
        </button>
        {searches.value.length > 0 && (
          <button type="button" title="Search for this as well, in one list" data-testid="search-add" onClick={() => submitForm(true)}>
            Add
          </button>
        )}
      </div>
      {formFault.value !== "" && (
        <p class="search-fault" role="alert" data-testid="search-fault">
          {formFault.value}
        </p>
      )}
    </form>
  );
}

export function SearchKinds() {
  const kinds = { field: "Field", text: "Text" } as const;
  return (
    <div class="search-kinds" role="group" aria-label="Search by">
      {Object.entries(kinds).map(([kind, words]) => (
        <button
          key={kind}
          type="button"
          aria-pressed={searchKind.value === kind}
          data-testid={`search-by-${kind}`}
          onClick={() => ([searchKind.value, formFault.value] = [kind as keyof typeof kinds, ""])}
        >
          {words}
        </button>
      ))}
    </div>
  );
}

function TextInputs() {
  return (
    <>
      <div class="search-row">
        <input
          type="search"
          class="wide"
          placeholder="Text, upper or lower case"
          aria-label="Text to search"
          data-testid="search-text"
          data-first
          maxLength={TEXT_MAX_CHARS}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </div>
      <div class="search-row" role="group" aria-label="Where to search">
        {Object.entries(SOURCES).map(([source, words]) => (
          <label key={source} title={source === "telemetry" ? "Reads all telemetry of the span: slow over long times" : undefined}>
            <input
              type="checkbox"
              data-testid={`search-in-${source}`}
              checked={sources.value.includes(source as TextSource)}
              onChange={() => toggleSource(source as TextSource)}
            />
            {words}
          </label>
        ))}
      </div>
    </>
  );
}

function Span() {
  return (
    <>
      <select
        aria-label="Times to search"
        data-testid="search-span"
        value={searchSpan.value}
        onChange={(event) => (searchSpan.value = event.currentTarget.value as SearchSpan)}
      >
        {Object.entries(SEARCH_SPANS).map(([id, words]) => (
          <option key={id} value={id}>
            {words}
          </option>
        ))}
      </select>
      <select
        aria-label="Order of the matches"
        data-testid="search-order"
        value={newestFirst.value ? "newest" : "oldest"}
        onChange={(event) => {
          newestFirst.value = event.currentTarget.value === "newest";
          // Where only a part is kept, it is that of the first matches in this order.
          if (searches.value.some(({ isCut }) => isCut)) searchAgain();
        }}
      >
        <option value="newest">newest first</option>
        <option value="oldest">oldest first</option>
      </select>
    </>
  );
}
