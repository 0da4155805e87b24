/** The pages of the display; a display of one page has no tabs. */

import { display, pageIndex } from "../model/displays/open_display";

export function PageTabs() {
  const { pages } = display.value;
  if (pages.length < 2) return null;
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    pageIndex.value = (pageIndex.value + by + pages.length) % pages.length;
    document.getElementById(`page-${pageIndex.value}`)?.focus();
  };
  return (
    <div class="tabs page-tabs" role="tablist" aria-label="Pages" onKeyDown={onKeyDown}>
      {pages.map(({ name }, at) => (
        <button
          key={at}
          id={`page-${at}`}
          type="button"
          role="tab"
          aria-selected={at === pageIndex.value}
          tabIndex={at === pageIndex.value ? 0 : -1}
          data-testid="page-tab"
          onClick={() => (pageIndex.value = at)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
