/** The height and scroll position of an element as signals, for lists that draw only visible rows. */

import { signal, type Signal } from "@preact/signals";

export interface Scrolling {
  top: Signal<number>;
  height: Signal<number>;
  /** Observe an element; returns the function that ends it. */
  watch: (element: HTMLElement) => () => void;
}

/** Signals of one scrolled element. */
export function scrolling(): Scrolling {
  const top = signal(0);
  const height = signal(0);
  const watch = (element: HTMLElement) => {
    const onScroll = () => (top.value = element.scrollTop);
    const observer = new ResizeObserver(() => (height.value = element.clientHeight));
    element.addEventListener("scroll", onScroll, { passive: true });
    observer.observe(element);
    height.value = element.clientHeight;
    return () => {
      element.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  };
  return { top, height, watch };
}
